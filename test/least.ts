// Bounds of time and memory on a machine, and in a process, that do other work: that work makes a measurement larger and
// never smaller, so the least of several is what tells of our code.

const TRIES = 7;

/** @returns the first measurement below the bound, or the smallest of seven; of several numbers at once, each its own */
export async function least<T extends readonly number[]>(bounds: T, measure: () => Promise<T>): Promise<T> {
  let best: readonly number[] = bounds.map(() => Number.POSITIVE_INFINITY);
  for (let i = 0; i < TRIES && best.some((value, which) => value >= bounds[which]); i++) {
    const found = await measure();
    best = best.map((value, which) => Math.min(value, found[which]));
  }
  return best as T;
}
