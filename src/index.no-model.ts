// The package in a browser, without the embedded model, which bundlers would copy.
import type { LanguageModel } from "./api/language-model.ts";
import type { ModelSource } from "./api/open.ts";
import type { OpenOptions } from "./api/opening-options.ts";
import { ownUrls } from "./package-files/own-urls.ts";
import { openInPage } from "./page.ts";

/** As `open` of the package's other entries; a model has to be named. */
export function open(source: ModelSource, options?: OpenOptions): Promise<LanguageModel> {
  return openInPage(ownUrls, source, options);
}

export { capabilities } from "./capabilities/browser.ts";
export { type CachedFile, listCached, removeCached } from "./files/cached-files.ts";
export * from "./public.ts";
