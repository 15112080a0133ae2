// Guesses of a chosen quality, for measurements: of an answer that is known already, each id right with a probability.
import type { Proposer } from "../../engine/prompt-lookup.ts";

/** Ids of one guess. */
const LENGTH = 16;

/**
 * @param answer  what plain decoding says
 * @param from    ids before it
 * @param right   how likely each guessed id is the right one, whatever the others are
 * @param random  numbers in [0, 1)
 */
export function toldGuesses(
  answer: readonly number[],
  from: number,
  right: number,
  vocabSize: number,
  random: () => number,
): Proposer {
  const other = (id: number): number => (id + 1 + Math.floor(random() * (vocabSize - 1))) % vocabSize;
  return ({ length }) =>
    answer.slice(length - from, length - from + LENGTH).map((id) => (random() < right ? id : other(id)));
}
