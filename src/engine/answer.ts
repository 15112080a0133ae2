// Which ids an answer is made of: sampled from logits, held to a format, thoughts cut short.
import { type Logprobs, logprobsOf } from "../sampling/logprobs.ts";
import { isAllowed, withoutId } from "../sampling/mask.ts";
import type { SamplingOptions } from "../sampling/options.ts";
import { createSampler } from "../sampling/sampler.ts";
import type { Proposer } from "./prompt-lookup.ts";
import { countThinking, type ThinkingBudget } from "./thinking-budget.ts";

/** What may come next, decided anew before every id. */
export interface Constraint {
  /** The ids that may come next, as a mask (see Sampler.next); undefined: all. */
  allowed(): Uint32Array | undefined;
  /** Tells the id that was taken. */
  accept(id: number): void;
  /** The ids that come next, at most so many, as far as each is the only one that may. */
  foresee?(most: number): readonly number[];
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
  /** Guesses ids, which are run several to a step where that is faster; they come out as without it, to the bit. */
  readonly propose?: Proposer;
}

export interface Answer {
  /** The prompt, and what has been taken since. */
  readonly ids: readonly number[];
  /** Whether the last id was a stop id, or the last that there may be. */
  readonly isOver: boolean;
  /** How many more ids there may be. */
  readonly left: number;
  /** Takes the next id. @param logits  after the last of `ids` [vocab] */
  next(logits: Float32Array): Taken;
  /** Takes the only id that a constraint allows: what `next` would do, whatever the logits, where nobody asks for them. */
  nextIs(id: number): Taken;
}

export interface Taken {
  readonly id: number;
  readonly logprobs: Logprobs | undefined;
}

export function createAnswer(vocabSize: number, prompt: readonly number[], options: GenerateOptions): Answer {
  const { sampling, maxTokens, stopIds, constraint, thinking, topLogprobs } = options;
  const sampler = createSampler(vocabSize, sampling, prompt.length);
  const ids = [...prompt];
  const stops = new Set(stopIds);
  const thought = thinking && countThinking(thinking);
  let isOver = false;
  const take = (id: number, logprobs: Logprobs | undefined): Taken => {
    constraint?.accept(id);
    thought?.accept(id);
    ids.push(id);
    isOver = stops.has(id) || ids.length - prompt.length >= maxTokens;
    return { id, logprobs };
  };
  return {
    ids,
    get isOver() {
      return isOver;
    },
    get left() {
      return prompt.length + maxTokens - ids.length;
    },
    next(logits) {
      const allowed = constraint?.allowed();
      const forced = thought?.forced();
      // A forced id uses up no random number.
      const isForced = forced !== undefined && (allowed === undefined || isAllowed(allowed, forced));
      const barred = thought?.barred();
      const offered = barred === undefined ? allowed : withoutId(allowed, barred, vocabSize);
      const id = isForced ? forced : sampler.next(logits, ids, offered);
      return take(id, topLogprobs === undefined ? undefined : logprobsOf(logits, id, topLogprobs));
    },
    nextIs(id) {
      sampler.skip();
      return take(id, undefined);
    },
  };
}
