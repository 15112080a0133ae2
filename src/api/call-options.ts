// What a caller may ask of each call: names that are not known and values of another kind are told before work begins.
import { OptionError } from "../load/load-options.ts";
import { SAMPLING_NAMES } from "../sampling/options.ts";
import { checkFunction, checkObject, checkSignal, kindOf } from "./opening-options.ts";

const RUN = ["signal", "onProgress"];
const GENERATE = [...SAMPLING_NAMES, "maxTokens", "stopIds", "onToken", "topLogprobs", "onFinish", ...RUN];
const COMPLETE = [...GENERATE, "stop", "responseFormat"];

const NAMES = {
  generate: GENERATE,
  complete: COMPLETE,
  chat: [...COMPLETE, "tools", "now", "continueFinalMessage", "thinkingBudget", "toolChoice", "mayThink"],
  logits: RUN,
  trace: [...RUN, "points", "positions"],
  writeTrace: [...RUN, "points", "positions", "force", "maxBytes", "name"],
  evaluate: ["against", "shard", "done", "signal"],
  encodeChat: ["tools", "now", "continueFinalMessage", "parseSpecial", "signal"],
} as const;

/** Names that other libraries and servers have for what is here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ...named("maxTokens", "max_tokens", "max_new_tokens", "max_completion_tokens", "maxNewTokens", "n_predict"),
  ...named("temperature", "temp"),
  ...named("continueFinalMessage", "continue_final_message"),
  ...named("topK", "top_k"),
  ...named("topP", "top_p"),
  ...named("minP", "min_p"),
  ...named("repetitionPenalty", "repetition_penalty", "repeat_penalty", "repeatPenalty"),
  ...named("frequencyPenalty", "frequency_penalty"),
  ...named("presencePenalty", "presence_penalty"),
  ...named("logitBias", "logit_bias"),
  ...named("stop", "stop_sequences", "stopSequences", "stop_strings"),
  ...named("stopIds", "eos_token_id", "stop_token_ids", "stopTokenIds"),
  ...named("topLogprobs and onToken", "logprobs", "top_logprobs", "n_probs"),
  ...named("toolChoice", "tool_choice"),
  ...named("signal", "abortSignal"),
  ...named('responseFormat: { type: "json_schema", schema }', "response_format", "json_schema", "schema", "format"),
  ...named('responseFormat: { type: "regex", pattern }', "regex", "guided_regex"),
  ...named("thinkingBudget: 0 for no thinking", "enable_thinking", "reasoning_effort"),
  ...named("choices(n, options, ask)", "n"),
  ...named("each option beside the others, not within another", "sampling", "options"),
  ...named("a message of role system", "system"),
  ...named("contextLength of open", "num_ctx", "n_ctx", "contextLength"),
  ...named("the loop over the answer, which always streams", "stream"),
};

function named(ours: string, ...theirs: readonly string[]): Record<string, string> {
  return Object.fromEntries(theirs.map((name) => [name, ours]));
}

/**
 * What can be said of a call's options before anything is computed; ranges of sampling are the sampler's to check.
 * @throws OptionError naming the option, what was expected and what was found
 */
export function checkCall(call: keyof typeof NAMES, options: unknown = {}): void {
  checkObject(options);
  const known: readonly string[] = NAMES[call];
  for (const [name, value] of Object.entries(options as object)) {
    if (value === undefined) continue;
    if (!known.includes(name)) {
      const ours = Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
      const remedy = ours === undefined ? "Check the spelling." : `Here it is ${ours}.`;
      throw new OptionError({
        subject: name,
        expected: `an option of ${call} (${known.join(", ")})`,
        found: "another",
        remedy,
      });
    }
    CHECKS[name]?.(value);
  }
}

const CHECKS: Readonly<Record<string, (value: unknown) => void>> = {
  signal: checkSignal,
  onProgress: (value) => checkFunction("onProgress", value),
  onToken: (value) => checkFunction("onToken", value),
  onFinish: (value) => checkFunction("onFinish", value),
  maxTokens(value) {
    expect(Number.isInteger(value) && (value as number) >= 1, "maxTokens", "an integer of at least 1", value);
  },
  stopIds(value) {
    const isIds = Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0);
    expect(isIds, "stopIds", "a list of token ids", value);
  },
  now: (value) => expect(value instanceof Date && !Number.isNaN(value.getTime()), "now", "a valid Date", value),
  continueFinalMessage: (value) => expect(typeof value === "boolean", "continueFinalMessage", "true or false", value),
  mayThink: (value) => expect(typeof value === "boolean", "mayThink", "true or false", value),
  parseSpecial: (value) => expect(value === "trusted" || value === "all", "parseSpecial", "trusted or all", value),
  points(value) {
    const isTexts = Array.isArray(value) && value.every((glob) => typeof glob === "string");
    expect(isTexts, "points", "a list of patterns", value);
  },
  responseFormat(value) {
    if (typeof value !== "object" || value === null || !("json_schema" in value)) return;
    const remedy = 'Pass { type: "json_schema", schema: format.json_schema.schema }.';
    throw new OptionError({
      subject: "responseFormat",
      expected: "the schema as `schema`",
      found: "OpenAI's json_schema",
      remedy,
    });
  },
  toolChoice(value) {
    if (typeof value !== "object" || value === null || !("function" in value)) return;
    throw new OptionError({
      subject: "toolChoice",
      expected: "{ name }",
      found: "OpenAI's { function }",
      remedy: "Pass { name: function.name }.",
    });
  },
};

function expect(holds: boolean, name: string, expected: string, value: unknown): void {
  if (holds) return;
  throw new OptionError({ subject: name, expected, found: shown(value) });
}

function shown(value: unknown): string {
  if (value instanceof Date || typeof value === "number") return String(value);
  if (typeof value !== "string" && !Array.isArray(value)) return kindOf(value);
  const text = JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** @throws OptionError unless `ids` is a list; which numbers may be in it, the model says */
export function checkIdList(ids: unknown): void {
  const isList = Array.isArray(ids) || (ArrayBuffer.isView(ids) && !(ids instanceof DataView));
  if (!isList) throw new OptionError({ subject: "ids", expected: "a list of token ids", found: shown(ids) });
}

/** @throws OptionError unless `prompt` is a text */
export function checkPrompt(prompt: unknown): void {
  if (typeof prompt !== "string") {
    throw new OptionError({ subject: "prompt", expected: "a text", found: shown(prompt) });
  }
}
