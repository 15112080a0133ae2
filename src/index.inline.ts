// The package in a browser with its threads' scripts and kernels inside, for bundlers that copy no files. Without the
// embedded model, which would be 9 MB of text.
import type { LanguageModel } from "./api/language-model.ts";
import type { ModelSource } from "./api/open.ts";
import type { OpenOptions } from "./api/opening-options.ts";
import type { AssetUrls } from "./package-files/assets.ts";
import { inlined } from "./package-files/inlined.ts";
import { openInPage } from "./page.ts";

/** As `open` of the package's other entries; a model has to be named. */
export function open(source: ModelSource, options?: OpenOptions): Promise<LanguageModel> {
  return openInPage(inlinedUrls, source, options);
}

let urls: AssetUrls | undefined;

function inlinedUrls(): AssetUrls {
  urls ??= Object.fromEntries(
    Object.entries(inlined).map(([name, text]) => [
      name,
      name.endsWith(".js")
        ? URL.createObjectURL(new Blob([text], { type: "text/javascript" }))
        : `data:application/wasm;base64,${text}`,
    ]),
  );
  return urls;
}

export { capabilities } from "./capabilities/browser.ts";
export { type CachedFile, listCached, removeCached } from "./files/cached-files.ts";
export * from "./public.ts";
