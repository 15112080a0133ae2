// Rows that differ, and what they have in common: where a step may have begun, which experts they met.
import { allowedAt } from "../compare/allowance.ts";
import type { PointComparison } from "../compare/compare.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";

export interface DifferingRows {
  /** Where the second step may have begun, counted from the recording's first row; 0 where nothing says so. */
  readonly second: number;
  /** The fewest that every differing row met one of, and no other row any; none where all rows differ. */
  readonly experts: readonly number[];
  /** Columns of the point in which the runs are farthest apart. */
  readonly columns: readonly number[];
  /** The row in which they are, counted from `begin`. */
  readonly row: number;
}

/** Columns that are told. */
const FARTHEST = 16;

/** Of rows begin … begin + count − 1. @param feedForward  "model.layers.2.feed_forward" */
export async function differingRows(
  { name, kind, allowance, firstRow }: PointComparison,
  { points }: RecordedRun,
  other: RecordedRun,
  begin: number,
  count: number,
  feedForward: string,
): Promise<DifferingRows> {
  const [a, b] = [points.get(name), other.points.get(name)];
  const nothing = { second: Math.max(0, firstRow), experts: [], columns: [], row: 0 };
  if (a === undefined || b === undefined || kind === "ids" || allowance === undefined) return nothing;
  if (begin + count > Math.min(a.rows, b.rows)) return nothing;
  const [x, y] = await Promise.all([a.read(begin, count), b.read(begin, count)]);
  const differs = Array.from({ length: count }, (_, t) => {
    const row = x.subarray(t * a.cols, (t + 1) * a.cols);
    return row.some((value, c) => !(Math.abs(value - y[t * a.cols + c]) <= allowedAt(allowance, begin + t, value)));
  });
  const farthest = whereFarthest(x as Float32Array, y as Float32Array, a.cols);
  // Where the first row differs, the first that does not may have been the last of its step.
  const second = firstRow > 0 ? firstRow : begin + differs.indexOf(false) + 1;
  const chosen = points.get(`${feedForward}.gate.experts`);
  if (chosen === undefined || begin + count > chosen.rows || !differs.includes(false))
    return { second, experts: [], ...farthest };
  const ids = await chosen.read(begin, count);
  const idsOf = (t: number): number[] => [...ids.subarray(t * chosen.cols, (t + 1) * chosen.cols)];
  const innocent = new Set(differs.flatMap((is, t) => (is ? [] : idsOf(t))));
  const met = differs.flatMap((is, t) => (is ? [idsOf(t).filter((id) => !innocent.has(id))] : []));
  return { second, experts: fewestOf(met), ...farthest };
}

function whereFarthest(x: Float32Array, y: Float32Array, cols: number): Pick<DifferingRows, "columns" | "row"> {
  const most = new Float64Array(cols);
  let [farthest, row] = [0, 0];
  for (const [i, value] of x.entries()) {
    const apart = Math.abs(value - y[i]) || 0;
    most[i % cols] = Math.max(most[i % cols], apart);
    if (apart > farthest) [farthest, row] = [apart, Math.floor(i / cols)];
  }
  return { columns: [...most.keys()].sort((a, b) => most[b] - most[a]).slice(0, FARTHEST), row };
}

/** One expert, else two, that every one of some tokens met; else all, or none where a token met none. */
function fewestOf(met: readonly (readonly number[])[]): readonly number[] {
  const all = [...new Set(met.flat())].sort((a, b) => a - b);
  const sets = [...all.map((id) => [id]), ...all.flatMap((a, i) => all.slice(i + 1).map((b) => [a, b])), all];
  return sets.find((some) => met.every((ids) => ids.some((id) => some.includes(id)))) ?? [];
}
