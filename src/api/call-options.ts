// What a caller may ask of each call of a model. Ranges of sampling are the sampler's to check.
import { type ChecksOf, checkOptions } from "../options/check-options.ts";
import {
  abortSignal,
  aFunction,
  anything,
  type Check,
  integer,
  oneOf,
  patterns,
  trueOrFalse,
  validDate,
} from "../options/checks.ts";
import { OptionError, shown } from "../options/option-error.ts";
import { MAX_TOP_LOGPROBS } from "../sampling/logprobs.ts";
import { SAMPLING_NAMES, type SamplingOptions } from "../sampling/options.ts";
import type {
  ChatOptions,
  CompleteOptions,
  EncodeChatOptions,
  GenerateOptions,
  RenderChoices,
  RunOptions,
  TraceOptions,
} from "./language-model.ts";

/** A call whose options are checked here. */
export type Call = "generate" | "complete" | "chat" | "logits" | "trace" | "head" | "encodeChat";

/**
 * For one model.
 * @returns throws OptionError naming the option, what was expected and what was found, before anything is computed
 */
export function createCallChecks(vocabSize: number): (call: Call, options: unknown) => void {
  const sampling = Object.fromEntries(SAMPLING_NAMES.map((name) => [name, anything])) as ChecksOf<SamplingOptions>;
  const run: ChecksOf<RunOptions> = { edits: patterns, signal: abortSignal, onProgress: aFunction };
  const generate: ChecksOf<GenerateOptions> = {
    ...sampling,
    maxTokens: integer(1),
    stopIds: idsBelow(vocabSize),
    onToken: aFunction,
    topLogprobs: integer(0, MAX_TOP_LOGPROBS),
    speculate: trueOrFalse,
    onFinish: aFunction,
    ...run,
  };
  const complete: ChecksOf<CompleteOptions> = { ...generate, stop: anything, responseFormat };
  const render: ChecksOf<RenderChoices> = { tools: anything, now: validDate, continueFinalMessage: trueOrFalse };
  const checks: {
    readonly generate: ChecksOf<GenerateOptions>;
    readonly complete: ChecksOf<CompleteOptions>;
    readonly chat: ChecksOf<ChatOptions>;
    readonly logits: ChecksOf<RunOptions>;
    readonly trace: ChecksOf<TraceOptions>;
    readonly head: ChecksOf<Pick<RunOptions, "signal">>;
    readonly encodeChat: ChecksOf<EncodeChatOptions>;
  } = {
    generate,
    complete,
    chat: { ...complete, ...render, thinkingBudget: integer(0), toolChoice, mayThink: trueOrFalse },
    logits: run,
    trace: { ...run, points: patterns, positions: anything },
    head: { signal: abortSignal },
    encodeChat: { ...render, parseSpecial: oneOf("trusted", "all"), signal: abortSignal },
  };
  return (call, options) => checkOptions(call, checks[call], options);
}

function idsBelow(vocabSize: number): Check {
  return (value, name) => {
    const isList = Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0);
    if (!isList) throw new OptionError({ subject: name, expected: "a list of token ids", found: shown(value) });
    const beyond = value.findIndex((id) => id >= vocabSize);
    if (beyond < 0) return;
    throw new OptionError({
      subject: name,
      expected: `token ids in [0, ${vocabSize})`,
      found: `${value[beyond]} at index ${beyond}`,
    });
  };
}

const responseFormat: Check = (value, name) => {
  if (typeof value !== "object" || value === null || !("json_schema" in value)) return;
  throw new OptionError({
    subject: name,
    expected: "the schema as `schema`",
    found: "OpenAI's json_schema",
    remedy: 'Pass { type: "json_schema", schema: format.json_schema.schema }.',
  });
};

const toolChoice: Check = (value, name) => {
  if (typeof value !== "object" || value === null || !("function" in value)) return;
  throw new OptionError({
    subject: name,
    expected: "{ name }",
    found: "OpenAI's { function }",
    remedy: "Pass { name: function.name }.",
  });
};

/** @throws OptionError unless `ids` is a list; the numbers in it are checked against the model */
export function checkIdList(ids: unknown): void {
  if (!isIdList(ids)) throw new OptionError({ subject: "ids", expected: "a list of token ids", found: shown(ids) });
}

function isIdList(ids: unknown): boolean {
  return Array.isArray(ids) || (ArrayBuffer.isView(ids) && !(ids instanceof DataView));
}

/** @throws OptionError unless `prompt` is a text or a list of ids */
export function checkPrompt(prompt: unknown): void {
  if (typeof prompt !== "string" && !isIdList(prompt)) {
    throw new OptionError({ subject: "prompt", expected: "a text, or a list of token ids", found: shown(prompt) });
  }
}
