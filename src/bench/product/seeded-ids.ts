// Ids for a prompt that nobody wrote.

/** Ids that look random and are the same in every process. Source of the multiplier: Numerical Recipes, ranqd1. */
export function seededIds(vocabSize: number, seed = 1): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * vocabSize);
  };
}
