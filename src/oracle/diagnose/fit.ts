// How near computed results come to what a run recorded.
import { type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { figure } from "../compare/figures.ts";
import { measureGap } from "../compare/gap.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import { UnknownNumbers } from "./lazy-ops.ts";

/** Experts chosen, as what they are chosen by: the k highest of every row. */
export interface Choice {
  readonly ranked: ReferenceTensor;
  readonly k: number;
}

/** By the point that they should be found at. */
export type Results = ReadonlyMap<string, ReferenceTensor | Choice>;

export interface Fit {
  /** The last point that results were compared at. */
  readonly point: string;
  readonly maxAbs: number;
  /** The worst of the points; of chosen experts, the share of rows with others. */
  readonly rmsRelative: number;
  /** No more than float32 in another order leaves of an operation's result, or ties of a choice. */
  readonly isEqual: boolean;
  /** What is reached at `point`: "its numbers to 1e-7", "its experts at 24 of 24 positions". */
  readonly says: string;
}

const FLOAT32 = 1e-5;
/** So many of the choices may have been near ties. */
const TIES = 0.1;

/**
 * @param most  past this nobody wants to know how bad it is at further points
 * @returns undefined where the run recorded none of the points, or nothing is known to compute them from
 */
export async function fitOf(
  run: RecordedRun,
  results: Results,
  from: number,
  most = Number.POSITIVE_INFINITY,
): Promise<Fit | undefined> {
  let found: Fit | undefined;
  for (const [name, result] of results) {
    if (found !== undefined && found.rmsRelative > most) break;
    const fit = await fitAt(run, name, result, from);
    if (fit === undefined) continue;
    found = {
      ...fit,
      rmsRelative: Math.max(fit.rmsRelative, found?.rmsRelative ?? 0),
      isEqual: fit.isEqual && found?.isEqual !== false,
    };
  }
  return found;
}

async function fitAt(
  { points }: RecordedRun,
  name: string,
  result: ReferenceTensor | Choice,
  from: number,
): Promise<Fit | undefined> {
  const point = points.get(name);
  const numbers = "ranked" in result ? result.ranked : result;
  const { rows } = numbers;
  if (point === undefined || from + rows > point.rows) return undefined;
  if (!("ranked" in result) && point.cols !== result.cols) return undefined;
  try {
    numbers.data; // computed here
  } catch (error) {
    if (error instanceof UnknownNumbers) return undefined;
    throw error;
  }
  const recorded = await point.read(from, rows);
  if ("ranked" in result) {
    const same = point.cols === result.k ? sameChoices(result.ranked, recorded as Int32Array, result.k) : 0;
    const others = 1 - same / rows;
    const says = `its experts at ${same} of ${rows} positions`;
    return { point: name, maxAbs: others, rmsRelative: others, isEqual: others <= TIES, says };
  }
  const { maxAbs, rmsRelative } = measureGap(result.data, recorded);
  return {
    point: name,
    maxAbs,
    rmsRelative,
    isEqual: rmsRelative <= FLOAT32,
    says: `its numbers to ${figure(maxAbs)}`,
  };
}

/** Rows whose k highest are those that were chosen. */
function sameChoices(ranked: ReferenceTensor, ids: Int32Array, k: number): number {
  let same = 0;
  for (let t = 0; t < ranked.rows; t++) {
    const row = rowOf(ranked, t);
    const chosen = ids.subarray(t * k, (t + 1) * k);
    const least = chosen.reduce((most, id) => Math.min(most, row[id]), Number.POSITIVE_INFINITY);
    if (!row.some((value, id) => value > least && !chosen.includes(id))) same++;
  }
  return same;
}
