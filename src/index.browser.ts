// The package in a browser.
import type { LanguageModel } from "./api/language-model.ts";
import type { ModelSource } from "./api/open.ts";
import type { OpenOptions } from "./api/opening-options.ts";
import { embeddedModelUrl } from "./package-files/embedded-model.ts";
import { ownUrls } from "./package-files/own-urls.ts";
import { openInPage } from "./page.ts";

/** Where the model is that is used when none is named. */
export const embeddedModel: URL = embeddedModelUrl;

/**
 * Opens a model from a URL, a name on the Hugging Face Hub (hf:OWNER/REPO[:QUANT][@REVISION]), a Blob, bytes or a list of Files; the embedded one when `source` is left out. Errors are
 * those of `open` in Node.
 */
export function open(source?: ModelSource, options?: OpenOptions): Promise<LanguageModel> {
  return openInPage(() => ({ ...ownUrls(), "lfm2-nano-Q4_0.gguf": embeddedModel.href }), source, options);
}

export { capabilities } from "./capabilities/browser.ts";
export { type CachedFile, listCached, removeCached } from "./files/cached-files.ts";
export * from "./public.ts";
