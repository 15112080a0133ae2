// The package in a browser.
import type { LanguageModel } from "./api/language-model.ts";
import { type Host, type ModelSource, openOn } from "./api/open.ts";
import type { OpenOptions } from "./api/opening-options.ts";
import { openFiles } from "./files/open-files.ts";
import { pageSource } from "./files/page-source.ts";
import { startBrowserFiles } from "./files/start-browser.ts";
import { startBrowserText } from "./text/start-browser.ts";
import { startBrowserWorker } from "./worker/start-browser.ts";

/** The model that is used when none is named. Written out, so that bundlers see it. */
export const embeddedModel = new URL("../golden/nano/lfm2-nano-Q4_0.gguf", import.meta.url);

const browserHost: Host = {
  startWorker: startBrowserWorker,
  startText: startBrowserText,
  async openFiles(source = embeddedModel, { offline = false, cache = true, signal, onProgress, ...options }) {
    const { headers, patience, hubEndpoint } = options;
    const keeps = cache && source !== embeddedModel;
    return openFiles(
      startBrowserFiles,
      { source: pageSource(source, hubEndpoint), headers, patience, offline, keeps, hubEndpoint },
      { signal, onProgress },
    );
  },
};

/**
 * Opens a model from a URL, a name on the Hugging Face Hub (hf:OWNER/REPO[:QUANT][@REVISION]), a Blob, bytes or a list of Files; the embedded one when `source` is left out. Errors are
 * those of `open` in Node.
 */
export function open(source?: ModelSource, options?: OpenOptions): Promise<LanguageModel> {
  return openOn(browserHost, source, options);
}

export { capabilities } from "./capabilities/browser.ts";
export { type CachedFile, listCached, removeCached } from "./files/cached-files.ts";
export * from "./public.ts";
