// A summary of several rounds: the median, and the lowest and highest.

export interface Range {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Spread extends Range {
  /** In the order of the rounds. */
  readonly rounds: readonly number[];
}

/** @param figures  at least one */
export function spreadOf(figures: readonly number[]): Spread {
  return { median: median(figures), min: Math.min(...figures), max: Math.max(...figures), rounds: figures };
}

export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
