// What the package exports in Node and in browsers alike; each door adds its `open`.
/// <reference path="./web-types.d.ts" preserve="true" />
export type {
  ChatOptions,
  CompleteOptions,
  EncodeChatOptions,
  GenerateOptions,
  LanguageModel,
  Logits,
  Progress,
  RunOptions,
  Summary,
  TraceOptions,
} from "./api/language-model.ts";
export type { ModelSource } from "./api/open.ts";
export type { OpenOptions } from "./api/opening-options.ts";
export type { Capabilities, Capability } from "./capabilities/capabilities.ts";
export { type AnswerCollector, type AnswerMessage, createAnswerCollector } from "./chat/answer.ts";
export type { ChatDelta, ToolCallDelta } from "./chat/answer-parser.ts";
export type { ToolCallProblem } from "./chat/calls/parsed-call.ts";
export { choices } from "./chat/choices.ts";
export { PythonFloat, parseExactJson } from "./chat/exact-json.ts";
export type { ChatMessage, ChatRole, ContentPart, ToolCall } from "./chat/messages.ts";
export type { TokenFacts, TokenReport } from "./chat/token-report.ts";
export type { ResponseFormat, ToolChoice } from "./constrain/compile.ts";
export type { Activity } from "./engine/scheduler.ts";
export type { Checkpoint } from "./formats/checkpoint.ts";
export { type ErrorParts, Lfm2Error } from "./lfm2-error.ts";
export type { Settings } from "./load/settings.ts";
export type { Config, LayerType } from "./model/config.ts";
export type { RopeScaling } from "./model/rope.ts";
export type { ArithmeticMode, KvType } from "./ops/backend.ts";
export { type EvalPlan, type PlanOptions, planEval, type Shard, type TextEncoding } from "./oracle/eval/eval-plan.ts";
export {
  type BaseScores,
  type EvaluatedModel,
  type EvaluateOptions,
  evaluate,
  type WindowScores,
} from "./oracle/eval/evaluate.ts";
export { type Estimate, type Quality, type QualityAgainstBase, qualityOf } from "./oracle/eval/quality.ts";
export { type BitsModel, expectedBits, logitBits } from "./oracle/same-bits.ts";
export type { TracePiece } from "./oracle/trace/trace-pieces.ts";
export {
  type Positions,
  planTrace,
  type TraceChoice,
  type TracePlan,
  type TracePoint,
} from "./oracle/trace/trace-plan.ts";
export { type AssetName, type Assets, assetNames } from "./package-files/assets.ts";
export type { RecommendedSampling } from "./sampling/defaults.ts";
export type { SamplingOptions, SamplingOrder } from "./sampling/options.ts";
export type { Seed } from "./sampling/random.ts";
export type { ModelTokenizer } from "./text/text.ts";
export type { TextStream } from "./tokenizer/detokenizer.ts";
export type { EncodeOptions } from "./tokenizer/tokenizer.ts";
