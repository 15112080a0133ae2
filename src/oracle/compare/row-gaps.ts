// How far apart two runs are at one point, position by position.
import type { Comparison } from "./compare.ts";
import { measureGap } from "./gap.ts";

export interface RowGap {
  /** Of the row, counted from the point's first. */
  readonly row: number;
  /** The largest difference, where it is, and the two numbers there: A's and B's. */
  readonly maxAbs: number;
  readonly col: number;
  readonly a: number;
  readonly b: number;
  /** What any number of the row may be off by; of ids, nothing. */
  readonly allowed: number;
}

/** At most `most` rows from the first on. Undefined where the two have other shapes, or no such point was compared. */
export async function rowGaps({ a, b, points }: Comparison, name: string, most: number): Promise<RowGap[] | undefined> {
  const point = points.find((one) => one.name === name);
  const [expected, actual] = [a.points.get(name), b.points.get(name)];
  if (point === undefined || expected === undefined || actual === undefined) return undefined;
  const { cols } = expected;
  if (cols !== actual.cols || expected.rows !== actual.rows) return undefined;
  const found: RowGap[] = [];
  for (let row = 0; row < Math.min(most, expected.rows); row++) {
    const [one, other] = [await expected.read(row, 1), await actual.read(row, 1)];
    const gap = measureGap(other, one);
    const col = Math.max(0, gap.maxAbsIndex);
    const allowed = point.allowance?.rows[row] ?? 0;
    found.push({ row, maxAbs: gap.maxAbs, col, a: one[col], b: other[col], allowed });
  }
  return found;
}
