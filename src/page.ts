// `open` in a browser, for the entries of the package: they differ in what comes along.
import type { LanguageModel } from "./api/language-model.ts";
import { type Host, type ModelSource, openOn } from "./api/open.ts";
import type { OpenOptions } from "./api/opening-options.ts";
import { openFiles } from "./files/open-files.ts";
import { pageSource } from "./files/page-source.ts";
import { startBrowserFiles } from "./files/start-browser.ts";
import { Lfm2Error } from "./lfm2-error.ts";
import { type AssetUrls, locateAssets } from "./package-files/assets.ts";
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
    async openFiles(given, { offline = false, cache = true, signal, onProgress, ...network }) {
      const { headers, patience, hubEndpoint } = network;
      const named = given === undefined ? embedded(assets) : await blobOf(given);
      return openFiles(
        () => startBrowserFiles(assets),
        {
          source: pageSource(named, hubEndpoint),
          headers,
          patience,
          offline,
          keeps: cache && given !== undefined,
          hubEndpoint,
        },
        { signal, onProgress },
      );
    },
  };
  if (source !== undefined) return openOn(host, source, options);
  return openOn(host, source, options).catch((cause: unknown) => {
    throw notEmbedded(assets[MODEL], cause);
  });
}

/** A Blob in place of its URL, which other threads may not read. */
async function blobOf(source: ModelSource): Promise<ModelSource> {
  const isUrl = typeof source === "string" || source instanceof URL;
  return isUrl && /^(blob|data):/i.test(String(source)) ? openObjectUrl(String(source)) : source;
}

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
