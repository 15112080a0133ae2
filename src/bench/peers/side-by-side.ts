// Sequences that write at the same time: how fast all of them are, and how long one waits between two of its tokens.

export interface SideBySide {
  /** Tokens per second of all sequences together. */
  readonly rate: number;
  /** Milliseconds between two tokens of one sequence, ascending. */
  readonly gaps: readonly number[];
}

/** @param times  of each sequence, when each of its tokens came; those count that came while all of them wrote */
export function sideBySide(times: readonly (readonly number[])[]): SideBySide {
  const from = Math.max(...times.map(([first]) => first));
  const to = Math.min(...times.map((each) => each.at(-1) ?? 0));
  const within = times.map((each) => each.filter((time) => time > from && time <= to));
  const gaps = within.flatMap((each) => each.slice(1).map((time, i) => time - each[i]));
  return { rate: (within.flat().length / (to - from)) * 1000, gaps: gaps.sort((a, b) => a - b) };
}

/** @param sorted  ascending, at least one */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}
