// The caller's side of generation: one request to the model's thread, its tokens as they come, figures at the end.
import { reportToken } from "../chat/token-report.ts";
import type { ConstraintRules } from "../constrain/constraint.ts";
import type { GuessCounts } from "../engine/ahead.ts";
import { checkIds } from "../engine/engine.ts";
import type { ThinkingBudget } from "../engine/thinking-budget.ts";
import { OptionError } from "../options/option-error.ts";
import { validateSampling } from "../sampling/options.ts";
import { eventStream } from "../worker/event-stream.ts";
import type { GenerateOptions } from "./language-model.ts";
import { defined, type ModelParts } from "./model-parts.ts";
import { tokenizerIfAny } from "./model-text.ts";

/** What only answers in text have. */
export interface TextConditions {
  readonly thinking?: ThinkingBudget;
  readonly rules?: ConstraintRules;
  /** Asked after every id: the stop string that is complete, which ends the answer. */
  readonly metStop?: () => string | undefined;
}

/** @throws PromptError, SamplingError; what the model's thread throws; the signal's reason */
export async function* generate(
  parts: ModelParts,
  ids: readonly number[],
  options: GenerateOptions = {},
  { thinking, rules, metStop }: TextConditions = {},
): AsyncGenerator<number, void> {
  const { worker, config, settings } = parts;
  const { maxTokens, stopIds: stated, onToken, topLogprobs, speculate = true, ...others } = options;
  const { edits, signal, onProgress, onFinish, ...rest } = others;
  const stopIds = stated ?? (await tokenizerIfAny(parts.text))?.eosIds ?? parts.statedEosIds;
  const sampling = validateSampling({ temperature: 0, ...defined(rest) });
  checkIds(ids, config.vocabSize, settings.contextLength);
  const mustEnd = rules?.grammar !== undefined && rules.trigger === undefined;
  if (mustEnd && stopIds.length === 0) {
    throw new OptionError({
      subject: "stopIds",
      expected: "an id that ends the answer once it is complete",
      found: "none",
    });
  }
  const request = {
    kind: "generate",
    ids,
    rules,
    edits,
    options: {
      sampling,
      maxTokens: maxTokens ?? Number.POSITIVE_INFINITY,
      stopIds,
      thinking,
      topLogprobs: onToken && topLogprobs,
      speculate,
    },
  } as const;
  let cachedTokens = 0;
  const events = eventStream(worker, request, "id", {
    signal,
    onEvent(event) {
      if (event.kind !== "progress") return;
      cachedTokens = ids.length - event.total;
      onProgress?.({ phase: "prefill", done: event.done, total: event.total });
    },
  });
  const tokenizer = onToken && (await tokenizerIfAny(parts.text));
  let newTokens = 0;
  let lastId = -1;
  let [prefillMs, lastMs] = [0, 0];
  let counted: GuessCounts = { guessed: 0, accepted: 0 };
  let stopped: string | undefined;
  for await (const { token, logprobs, ms, guesses } of events) {
    if (newTokens++ === 0) prefillMs = ms;
    lastMs = ms;
    counted = guesses;
    lastId = token;
    onToken?.(reportToken(tokenizer, token, logprobs));
    yield token;
    stopped = metStop?.();
    if (stopped !== undefined) break;
  }
  const finishReason = stopped !== undefined || stopIds.includes(lastId) ? "stop" : "length";
  const decodeMs = lastMs - prefillMs;
  const { guessed: guessedTokens, accepted: acceptedTokens } = counted;
  const counts = { promptTokens: ids.length, cachedTokens, newTokens, guessedTokens, acceptedTokens };
  onFinish?.({ ...counts, prefillMs, decodeMs, finishReason, ...(stopped === undefined ? {} : { stopped }) });
}
