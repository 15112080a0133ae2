// The package in a browser.
import type { LanguageModel } from "./api/language-model.ts";
import { type Host, type ModelSource, openOn } from "./api/open.ts";
import type { OpenOptions } from "./api/opening-options.ts";
import { HUB, parseHubName } from "./hub/hub-name.ts";
import { noCache } from "./hub/no-cache.ts";
import { locateHub } from "./hub/open-hub.ts";
import { locateBlobs, locateUrl } from "./sources/locate.ts";
import { SourceError } from "./sources/source-error.ts";
import { startBrowserText } from "./text/start-browser.ts";
import { startBrowserWorker } from "./worker/start-browser.ts";

/** The model that is used when none is named. Written out, so that bundlers see it. */
export const embeddedModel = new URL("../golden/nano/lfm2-nano-Q4_0.gguf", import.meta.url);

const browserHost: Host = {
  startWorker: startBrowserWorker,
  startText: startBrowserText,
  async locate(source = embeddedModel, network = {}) {
    if (typeof source !== "string" && !(source instanceof URL)) return locateBlobs(source);
    const name = parseHubName(String(source));
    if (name !== undefined) {
      const { offline = false, signal } = network;
      return locateHub(name, { hub: { endpoint: HUB, network }, cache: noCache, offline, reads: "ranges", signal });
    }
    if (URL.canParse(source, location.href)) return locateUrl(new URL(source, location.href).href, network);
    throw new SourceError({
      subject: String(source),
      expected: "a URL, or a path beneath this page's",
      found: "neither",
      remedy: "Mend it.",
    });
  },
};

/**
 * Opens a model from a URL, a name on the Hugging Face Hub (hf:OWNER/REPO[:QUANT][@REVISION]), a Blob, bytes or a list of Files; the embedded one when `source` is left out. Errors are
 * those of `open` in Node.
 */
export function open(source?: ModelSource, options?: OpenOptions): Promise<LanguageModel> {
  return openOn(browserHost, source, options);
}

export * from "./public.ts";
