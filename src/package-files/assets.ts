// The package's own files that a page fetches when it needs them, and where each is.
import { SourceError } from "../sources/source-error.ts";

/** Under these names they lie in the package's `dist/assets`, the model in `golden/nano`. */
export const assetNames = [
  "files-thread.js",
  "model-thread.js",
  "text-thread.js",
  "baseline.wasm",
  "baseline-threads.wasm",
  "relaxed.wasm",
  "relaxed-threads.wasm",
  "relaxed-pairs.wasm",
  "relaxed-pairs-threads.wasm",
  "lfm2-nano-Q4_0.gguf",
] as const;

export type AssetName = (typeof assetNames)[number];

/** A URL for each file, or for a folder that holds all of them; relative ones begin at the page's. */
export type Assets = string | URL | { readonly [Name in AssetName]?: string | URL };

/** Whole URLs. An entry of the package that comes without a file leaves it out. */
export type AssetUrls = { readonly [Name in AssetName]?: string };

/**
 * What the caller states goes before what the package knows.
 * @throws SourceError when an address is none
 */
export function locateAssets(own: AssetUrls, stated: Assets | undefined, page: string): AssetUrls {
  if (stated === undefined) return own;
  if (typeof stated === "string" || stated instanceof URL) {
    const folder = resolved("assets", String(stated).replace(/\/*$/, "/"), page);
    return Object.fromEntries(assetNames.map((name) => [name, new URL(name, folder).href]));
  }
  const each = Object.entries(stated).filter(([, url]) => url !== undefined);
  return { ...own, ...Object.fromEntries(each.map(([name, url]) => [name, resolved(name, String(url), page).href])) };
}

function resolved(subject: string, url: string, page: string): URL {
  if (URL.canParse(url, page)) return new URL(url, page);
  throw new SourceError({
    subject: `assets: ${subject}`,
    expected: "a URL, or a path beneath this page's",
    found: url.slice(0, 80),
  });
}
