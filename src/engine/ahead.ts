// Ids that are run before they are known, several rows to a step: those that a format leaves no choice of, then guesses.
//
// A row's numbers do not depend on the rows beside it, so the row of a guess that came true has the very bits of plain
// decoding, and rows of one that did not are taken back. Whether a guess is run is a matter of speed alone.
import { isAllowed } from "../sampling/mask.ts";
import type { Answer, GenerateOptions } from "./answer.ts";
import type { Acceptance } from "./guess-length.ts";

/** What may be run after the last id of an answer. */
export interface Draft {
  /** Ids that come in any case, then guesses. */
  readonly ids: readonly number[];
  /** How many of them come in any case. */
  readonly certain: number;
  /** How many of them can be run: an answer ends with a stop id, which is told and not run. */
  readonly runnable: number;
  /** How often a guess comes true. */
  readonly rate: number;
}

export interface GuessCounts {
  /** Ids that were run before they were known. */
  readonly guessed: number;
  /** Those of them that then came. */
  readonly accepted: number;
}

/** What one answer has to run ahead. */
export interface Ahead {
  /** @param most  ids at most */
  draft(most: number): Draft;
  /** Tells how often guesses come true: also of one that was not run, which costs nothing to see. */
  readonly acceptance: Acceptance;
  /** Whether logits are wanted also where one id alone may come. */
  readonly needsLogits: boolean;
  guessed: number;
  accepted: number;
}

export const NO_DRAFT: Draft = { ids: [], certain: 0, runnable: 0, rate: 0 };

export function createAhead({ ids }: Answer, options: GenerateOptions, acceptance: Acceptance): Ahead {
  const { propose, constraint, stopIds, thinking, topLogprobs } = options;
  const stops = new Set(stopIds);
  const isStop = (id: number): boolean => stops.has(id);

  const guessesAfter = (foreseen: readonly number[]): readonly number[] => {
    const guesses = propose?.(foreseen.length === 0 ? ids : [...ids, ...foreseen]) ?? [];
    const stop = guesses.findIndex(isStop);
    const open = stop < 0 ? guesses : guesses.slice(0, stop);
    if (foreseen.length > 0 || open.length === 0) return open;
    try {
      const allowed = constraint?.allowed();
      return allowed === undefined || isAllowed(allowed, open[0]) ? open : [];
    } catch {
      return []; // Thrown again when the next id is taken, where it ends this answer alone.
    }
  };

  return {
    draft(most) {
      if (propose === undefined || most <= 0) return NO_DRAFT;
      const foreseen = constraint?.foresee?.(most) ?? [];
      const certain = foreseen.length;
      const { rate } = acceptance;
      const stop = foreseen.findIndex(isStop);
      if (stop >= 0) return { ids: foreseen, certain, runnable: stop, rate };
      const guesses = certain < most ? guessesAfter(foreseen).slice(0, most - certain) : [];
      return { ids: [...foreseen, ...guesses], certain, runnable: certain + guesses.length, rate };
    },
    acceptance,
    needsLogits: topLogprobs !== undefined || thinking !== undefined,
    guessed: 0,
    accepted: 0,
  };
}
