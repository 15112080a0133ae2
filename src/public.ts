// What the package exports in Node and in browsers alike; each door adds its `open`.
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
export type { ModelSource } from "./api/open.ts";
export type { OpenOptions } from "./api/opening-options.ts";
export { type AnswerCollector, type AnswerMessage, createAnswerCollector } from "./chat/answer.ts";
export type { ChatDelta, ToolCallDelta } from "./chat/answer-parser.ts";
export type { ToolCallProblem } from "./chat/calls/parsed-call.ts";
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
