// The package in a browser.
import { type Host, type LanguageModel, type ModelSource, type OpenOptions, openOn } from "./open.ts";
import { locateBlobs, locateUrl } from "./sources/locate.ts";
import { startBrowserWorker } from "./worker/start-browser.ts";

/** The model that is used when none is named. Written out, so that bundlers see it. */
export const embeddedModel = new URL("../golden/nano/lfm2-nano-Q4_0.gguf", import.meta.url);

const browserHost: Host = {
  startWorker: startBrowserWorker,
  async locate(source = embeddedModel, headers) {
    if (typeof source !== "string" && !(source instanceof URL)) return locateBlobs(source);
    return locateUrl(new URL(source, location.href).href, headers);
  },
};

/**
 * Opens a model from a URL, Blob, bytes or a list of Files; the embedded one when `source` is left out. Errors are
 * those of `open` in Node.
 */
export function open(source?: ModelSource, options?: OpenOptions): Promise<LanguageModel> {
  return openOn(browserHost, source, options);
}

export type { ChatMessage } from "./chat/messages.ts";
export type { AnswerDelta } from "./chat/thinking.ts";
export type {
  ChatOptions,
  EncodeChatOptions,
  GenerateOptions,
  LanguageModel,
  Logits,
  ModelSource,
  OpenOptions,
  Progress,
  Summary,
} from "./open.ts";
