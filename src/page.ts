// `open` in a browser, for the entries of the package: they differ in what comes along.
import type { LanguageModel } from "./api/language-model.ts";
import { type Host, type ModelSource, openOn } from "./api/open.ts";
import type { OpenOptions } from "./api/opening-options.ts";
import { HUB, parseHubName } from "./hub/hub-name.ts";
import { noCache } from "./hub/no-cache.ts";
import { locateHub } from "./hub/open-hub.ts";
import { Lfm2Error } from "./lfm2-error.ts";
import { type AssetUrls, locateAssets } from "./package-files/assets.ts";
import { type Location, locateBlobs, locateUrl } from "./sources/locate.ts";
import { openObjectUrl } from "./sources/object-url.ts";
import { SourceError } from "./sources/source-error.ts";
import { startBrowserText } from "./text/start-browser.ts";
import { hasSimd } from "./wasm/kernels.ts";
import { startBrowserWorker } from "./worker/start-browser.ts";

const MODEL = "lfm2-nano-Q4_0.gguf";

/** @param own  where the package's files are, unless options say otherwise */
export async function openInPage(
  own: () => AssetUrls,
  source?: ModelSource,
  options: OpenOptions = {},
): Promise<LanguageModel> {
  checkPage();
  const assets = locateAssets(own(), options?.assets, location.href);
  const host: Host = {
    startWorker: () => startBrowserWorker(assets),
    startText: () => startBrowserText(assets),
    locate: (given = embedded(assets), network) => locate(given, network),
  };
  if (source !== undefined) return openOn(host, source, options);
  return openOn(host, source, options).catch((cause: unknown) => {
    throw notEmbedded(assets[MODEL], cause);
  });
}

const locate: (source: ModelSource, network?: Parameters<Host["locate"]>[1]) => Promise<Location> = async (
  source,
  network = {},
) => {
  if (typeof source !== "string" && !(source instanceof URL)) return locateBlobs(source);
  const name = parseHubName(String(source));
  if (name !== undefined) {
    const { offline = false, signal } = network;
    return locateHub(name, { hub: { endpoint: HUB, network }, cache: noCache, offline, reads: "ranges", signal });
  }
  if (/^(blob|data):/i.test(String(source))) return locateBlobs(await openObjectUrl(String(source)));
  if (URL.canParse(source, location.href)) return locateUrl(new URL(source, location.href).href, network);
  throw new SourceError({
    subject: String(source),
    expected: "a URL, or a path beneath this page's",
    found: "neither",
    remedy: "Mend it.",
  });
};

/** @throws SourceError where no model can be opened, whatever it is */
function checkPage(): void {
  const refuse = (expected: string, found: string, remedy: string): never => {
    throw new SourceError({ subject: "open", expected, found, remedy });
  };
  const scope = globalThis as { process?: { versions?: { node?: string } }; constructor?: { name?: string } };
  if (typeof location === "undefined") {
    const found = scope.process?.versions?.node === undefined ? "neither" : "Node, or one that is like it";
    refuse("a page or a worker of one", found, "Import lfm2-wasm itself, which has an entry for each.");
  }
  if (typeof Worker === "undefined") {
    const found = scope.constructor?.name ?? "one that cannot";
    refuse(
      "a page or a dedicated worker, which can start threads",
      found,
      "Open the model there, and send it messages.",
    );
  }
  if (typeof WebAssembly === "undefined" || !hasSimd()) {
    const found = typeof WebAssembly === "undefined" ? "no WebAssembly" : "WebAssembly without it";
    const remedy = "Chrome 91, Firefox 89 and Safari 16.4 have it, unless it is switched off (lockdown mode).";
    refuse("a browser with WebAssembly SIMD", found, remedy);
  }
}

function embedded({ [MODEL]: url }: AssetUrls): string {
  if (url !== undefined) return url;
  throw new SourceError({
    subject: "model",
    expected: "one to be named, as this entry of the package comes without one",
    found: "none",
    remedy: "Name it, or import lfm2-wasm itself.",
  });
}

/** Where a bundler did not copy the model, a server has no such file, or sends a page in its place. */
function notEmbedded(url: string | undefined, cause: unknown): unknown {
  if (url === undefined || !(cause instanceof Lfm2Error)) return cause;
  // Any other failure, such as a network's, says for itself what is to be done.
  const isElse = cause.kind === "FormatError" || /^(HTTP 404|no such file|a whole file)/.test(cause.found);
  if (!isElse || cause.subject.includes("thread.js")) return cause;
  return new SourceError(
    {
      subject: url,
      expected: "the embedded model",
      found: cause.found,
      remedy:
        "If a bundler has not copied it, copy the package's golden/nano/lfm2-nano-Q4_0.gguf and dist/assets and name " +
        "their folder in the option assets, or name another model (docs/bundlers.md).",
    },
    { cause },
  );
}
