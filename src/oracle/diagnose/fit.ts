// How near computed results come to what a run recorded.

import { formatError } from "../../quantities.ts";
import type { ReferenceExpertIds, ReferenceTensor } from "../../reference/tensor.ts";
import { measureGap } from "../compare/gap.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import { isKnown } from "./lazy-ops.ts";

/** Experts, and by which numbers they were chosen. */
export interface Choice extends ReferenceExpertIds {
  readonly ranked?: ReferenceTensor;
}

/** By the point that they should be found at. */
export type Results = ReadonlyMap<string, ReferenceTensor | Choice>;

export interface Fit {
  readonly point: string;
  /** Of chosen experts, the share of rows with others. */
  readonly rmsRelative: number;
  /** What is reached: "its numbers to 1e-7", "its experts at 24 of 24 positions". */
  readonly says: string;
}

/**
 * At the point that what is specified comes least near to; where that is not known, at the last.
 *
 * @returns undefined where the run recorded none of the points, or nothing is known to compute them from
 */
export async function fitOf(
  run: RecordedRun,
  mistaken: Results,
  specified: Results,
  from: number,
): Promise<{ readonly mistaken: Fit; readonly specified: Fit | undefined } | undefined> {
  let found: { readonly mistaken: Fit; readonly specified: Fit | undefined } | undefined;
  for (const [name, result] of mistaken) {
    const [fit, base] = [await fitAt(run, name, result, from), specified.get(name)];
    const asSpecified = base && (await fitAt(run, name, base, from));
    const least = found?.specified?.rmsRelative ?? 0;
    if (fit !== undefined && (asSpecified?.rmsRelative ?? 0) >= least)
      found = { mistaken: fit, specified: asSpecified };
  }
  return found;
}

async function fitAt(
  { points }: RecordedRun,
  name: string,
  result: ReferenceTensor | ReferenceExpertIds,
  from: number,
): Promise<Fit | undefined> {
  const point = points.get(name);
  const { rows } = result;
  if (point === undefined || from + rows > point.rows || !isKnown(result)) return undefined;
  if ("k" in result) {
    const ids = await point.read(from, rows);
    const others = 1 - sameRows(result, ids as Int32Array, point.cols) / rows;
    const says = `its experts at ${Math.round((1 - others) * rows)} of ${rows} positions`;
    return { point: name, rmsRelative: others, says };
  }
  if (point.cols !== result.cols) return undefined;
  const { maxAbs, rmsRelative } = measureGap(result.data, await point.read(from, rows));
  const says = `its numbers to ${formatError(maxAbs)}`;
  return { point: name, rmsRelative, says };
}

/** Rows with the same experts, in whatever order. */
function sameRows({ ids, rows, k }: ReferenceExpertIds, recorded: Int32Array, cols: number): number {
  const row = (all: Int32Array, t: number, width: number) =>
    all
      .slice(t * width, (t + 1) * width)
      .sort()
      .join();
  return Array.from({ length: rows }, (_, t) => row(ids, t, k) === row(recorded, t, cols)).filter(Boolean).length;
}
