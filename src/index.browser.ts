// The package in a browser.
import type { LanguageModel } from "./api/language-model.ts";
import { type Host, type ModelSource, type OpenOptions, openOn } from "./api/open.ts";
import { locateBlobs, locateUrl } from "./sources/locate.ts";
import { startBrowserText } from "./text/start-browser.ts";
import { startBrowserWorker } from "./worker/start-browser.ts";

/** The model that is used when none is named. Written out, so that bundlers see it. */
export const embeddedModel = new URL("../golden/nano/lfm2-nano-Q4_0.gguf", import.meta.url);

const browserHost: Host = {
  startWorker: startBrowserWorker,
  startText: startBrowserText,
  async locate(source = embeddedModel, network) {
    if (typeof source !== "string" && !(source instanceof URL)) return locateBlobs(source);
    return locateUrl(new URL(source, location.href).href, network);
  },
};

/**
 * Opens a model from a URL, Blob, bytes or a list of Files; the embedded one when `source` is left out. Errors are
 * those of `open` in Node.
 */
export function open(source?: ModelSource, options?: OpenOptions): Promise<LanguageModel> {
  return openOn(browserHost, source, options);
}

export type {
  ChatOptions,
  CompleteOptions,
  EncodeChatOptions,
  GenerateOptions,
  LanguageModel,
  Logits,
  Progress,
  Summary,
  TraceOptions,
} from "./api/language-model.ts";
export type { ModelSource, OpenOptions } from "./api/open.ts";
export { type AnswerCollector, type AnswerMessage, createAnswerCollector } from "./chat/answer.ts";
export type { ChatDelta, ToolCallDelta } from "./chat/answer-parser.ts";
export type { ToolCallProblem } from "./chat/calls/tool-call-parser.ts";
export { choices } from "./chat/choices.ts";
export { PythonFloat, parseExactJson } from "./chat/exact-json.ts";
export type { ChatMessage } from "./chat/messages.ts";
export type { TokenReport } from "./chat/token-report.ts";
export type { ResponseFormat, ToolChoice } from "./constrain/compile.ts";
export { Lfm2Error } from "./lfm2-error.ts";
export { type EvalPlan, planEval, type Shard } from "./oracle/eval/eval-plan.ts";
export { evaluate, type WindowScores } from "./oracle/eval/evaluate.ts";
export { type Estimate, type Quality, qualityOf } from "./oracle/eval/quality.ts";
export { expectedBits, logitBits } from "./oracle/same-bits.ts";
export type { TracePiece } from "./oracle/trace/trace-pieces.ts";
export { planTrace, type TraceChoice, type TracePlan, type TracePoint } from "./oracle/trace/trace-plan.ts";
