// Which ids an answer is made of: sampled from logits, held to a format, thoughts cut short.
import { type Logprobs, logprobsOf } from "../sampling/logprobs.ts";
import { isAllowed, withoutId } from "../sampling/mask.ts";
import type { SamplingOptions } from "../sampling/options.ts";
import { createSampler } from "../sampling/sampler.ts";
import { countThinking, type ThinkingBudget } from "./thinking-budget.ts";

/** What may come next, decided anew before every id. */
export interface Constraint {
  /** The ids that may come next, as a mask (see Sampler.next); undefined: all. */
  allowed(): Uint32Array | undefined;
  /** Tells the id that was taken. */
  accept(id: number): void;
}

export interface GenerateOptions {
  readonly sampling: Partial<SamplingOptions>;
  readonly maxTokens: number;
  /** Generation ends after one of these; it is given out. */
  readonly stopIds: readonly number[];
  readonly constraint?: Constraint;
  /** Closes thoughts that grow too long; where a constraint does not allow that, as soon as it does. */
  readonly thinking?: ThinkingBudget;
  /** How many of the most likely ids are told with every id; undefined: none are. */
  readonly topLogprobs?: number;
}

export interface Answer {
  /** The prompt, and what has been taken since. */
  readonly ids: readonly number[];
  /** Whether the last id was a stop id, or the last that there may be. */
  readonly isOver: boolean;
  /** Takes the next id. @param logits  after the last of `ids` [vocab] */
  next(logits: Float32Array): { readonly id: number; readonly logprobs: Logprobs | undefined };
}

export function createAnswer(vocabSize: number, prompt: readonly number[], options: GenerateOptions): Answer {
  const { sampling, maxTokens, stopIds, constraint, thinking, topLogprobs } = options;
  const sampler = createSampler(vocabSize, sampling, prompt.length);
  const ids = [...prompt];
  const stops = new Set(stopIds);
  const thought = thinking && countThinking(thinking);
  let isOver = false;
  return {
    ids,
    get isOver() {
      return isOver;
    },
    next(logits) {
      const allowed = constraint?.allowed();
      const forced = thought?.forced();
      // A forced id uses up no random number.
      const isForced = forced !== undefined && (allowed === undefined || isAllowed(allowed, forced));
      const barred = thought?.barred();
      const offered = barred === undefined ? allowed : withoutId(allowed, barred, vocabSize);
      const id = isForced ? forced : sampler.next(logits, ids, offered);
      constraint?.accept(id);
      thought?.accept(id);
      ids.push(id);
      isOver = stops.has(id) || ids.length - prompt.length >= maxTokens;
      return { id, logprobs: topLogprobs === undefined ? undefined : logprobsOf(logits, id, topLogprobs) };
    },
  };
}
