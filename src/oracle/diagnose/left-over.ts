// How much of what lies between two runs a mistake leaves.
import { type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import type { PointComparison } from "../compare/compare.ts";
import type { Mistake } from "../mistakes/mistake.ts";
import type { Choice, Results } from "./fit.ts";
import { isKnown } from "./lazy-ops.ts";
import type { Side, Site } from "./site.ts";

/** A cause leaves at most this part of the difference between the runs. */
export const LEFT = 0.1;
/** One that many mistakes come near to leaves no more than this. */
const LEFT_BY_CATCH_ALL = 0.02;
/** Rows with other experts than computed, which may have been near ties. */
const TIES = 0.02;

/** One module of a side, with what the two runs recorded at its points. */
export interface Recomputed {
  readonly side: Side;
  readonly site: Site;
  /** What is specified, where enough is known to compute it. */
  readonly specified: Results;
  readonly points: readonly Compared[];
  /** Whether the side gives what is specified. */
  readonly isRight: boolean;
}

/** A point of a module, as both runs recorded it. */
export interface Compared {
  readonly name: string;
  /** What number i may be off by from A's; `close`, from what a side itself recorded. */
  readonly allowed: (i: number) => number;
  readonly close: (i: number) => number;
  /** What one operation's result is rounded by, in part of it. */
  readonly ofResult: number;
  /** Of the side, and of the other one. */
  readonly own: Float32Array | Int32Array;
  readonly other: Float32Array | Int32Array;
  /** Experts to a token, of the side and of the other one; undefined where the point holds numbers. */
  readonly k?: readonly [own: number, other: number];
  /** Made of what differs between the runs by now, such as other experts: only the side's own numbers say anything. */
  readonly isUnpaired: boolean;
}

/** Of a rounding, with which a few columns leave so much of the difference, all of them leave more than `LEFT`. */
const LEFT_OF_SOME = 0.5;

/** Whether `leftOf` of all columns would be too much, by those that are computed. */
export function isMissed(
  point: Compared,
  result: Result | undefined,
  base: Result | undefined,
  isExact: boolean,
): boolean {
  const { own, other, close } = point;
  if (result === undefined || "k" in result || point.k !== undefined || !isKnown(result)) return false;
  if (result.data.length !== own.length) return false;
  const from = base !== undefined && !("k" in base) && isKnown(base) ? base.data : other;
  const isAsClose = isExact || point.isUnpaired || !isApart(point);
  let [left, apart] = [0, 0];
  for (let i = 0; i < own.length; i++) {
    const value = result.data[i];
    if (Number.isNaN(value)) continue;
    if (isAsClose && (Math.abs(own[i] - value) / close(i) || 0) > 1) return true;
    left += (own[i] - other[i] - (value - from[i])) ** 2;
    apart += (own[i] - other[i]) ** 2;
  }
  return !isAsClose && left > LEFT_OF_SOME ** 2 * apart;
}

/** Undefined where too little could be compared: the first point, or one after it where that is either way. */
export function worstLeft(
  points: readonly Compared[],
  specified: Results,
  mistaken: Results,
  { kind, eitherWay, isCatchAll }: Mistake,
  first: PointComparison,
): number | undefined {
  let [worst, isExplained] = [0, false];
  for (const point of points) {
    if (eitherWay?.test(point.name)) continue;
    const left = leftOf(point, mistaken.get(point.name), specified.get(point.name), kind === "bug");
    if (left === undefined && point.name === first.name) return undefined;
    if (left === undefined) continue;
    worst = Math.max(worst, left);
    if (!(worst <= (isCatchAll ? LEFT_BY_CATCH_ALL : LEFT))) return undefined;
    isExplained ||= isApart(point);
  }
  return isExplained ? worst : undefined;
}

/** How much of what lies between a side and what is specified is left with `mistaken`, in the mean of the points that it shows at. */
export function distanceLeft({ points, specified, site }: Recomputed, mistake: Mistake): number {
  const mistaken = site.results(mistake, site.isWide ? "token" : undefined);
  let [sum, count] = [0, 0];
  for (const point of points) {
    const [result, base] = [mistaken.get(point.name), specified.get(point.name)];
    if (result === undefined || !isKnown(result)) continue;
    const computed = site.isWide && !("k" in result) ? result.data : undefined;
    if (computed?.every(Number.isNaN)) continue;
    const from = base !== undefined && isKnown(base) ? distance(point, base, computed) : 1;
    const to = distance(point, result, computed);
    if (from === 0 && to === 0) continue;
    sum += Math.min(2, to / from);
    count++;
  }
  return count === 0 ? Number.POSITIVE_INFINITY : sum / count;
}

/** Zero within the point's tolerance. @param computed  where it holds NaN, nothing is compared */
export function distance({ own, close, k, ofResult }: Compared, result: Result, computed?: Float32Array): number {
  if (k !== undefined) return "k" in result ? rowsMissed(own, result, k[0], ofResult).filter(Boolean).length : 1;
  if ("k" in result || result.data.length !== own.length) return Number.POSITIVE_INFINITY;
  let [square, isClose] = [0, true];
  for (let i = 0; i < own.length; i++) {
    if (computed !== undefined && Number.isNaN(computed[i])) continue;
    const apart = Math.abs(own[i] - result.data[i]);
    square += apart * apart;
    isClose &&= apart <= close(i);
  }
  return isClose ? 0 : Math.sqrt(square);
}

type Result = ReferenceTensor | Choice;

/**
 * Which part of own − other is not result − base; `base` is what is specified, or the other run itself where that is
 * not known. Infinite where the side's numbers are not those of the result within the point's tolerance.
 */
export function leftOf(point: Compared, result: Result | undefined, base: Result | undefined, isExact = false) {
  if (result === undefined || !isKnown(result)) return undefined;
  if (point.k !== undefined) return "k" in result ? leftOfChoice(point, result, point.k) : undefined;
  if ("k" in result || result.data.length !== point.own.length) return undefined;
  const { own, other, close } = point;
  const from = base !== undefined && !("k" in base) && isKnown(base) ? base.data : other;
  let [left, apart, farthest] = [0, 0, 0];
  for (let i = 0; i < own.length; i++) {
    const difference = own[i] - other[i];
    left += (difference - (result.data[i] - from[i])) ** 2;
    apart += difference ** 2;
    farthest = Math.max(farthest, Math.abs(own[i] - result.data[i]) / close(i) || 0);
  }
  const isClose = farthest <= 1;
  // Of results that are all close enough, the closest is the likeliest.
  if (point.isUnpaired || !isApart(point)) return isClose ? LEFT_BY_CATCH_ALL * farthest : Number.POSITIVE_INFINITY;
  return isExact && !isClose ? Number.POSITIVE_INFINITY : Math.sqrt(left / apart);
}

function isApart({ own, other, allowed, k }: Compared): boolean {
  if (k === undefined) return own.some((value, i) => !(Math.abs(value - other[i]) <= allowed(i)));
  return k[0] !== k[1] || own.some((id, i) => id !== other[i]); // both ascend
}

function leftOfChoice(
  { own, other, ofResult }: Compared,
  result: Choice,
  [width, otherWidth]: readonly [own: number, other: number],
): number {
  const missed = rowsMissed(own, result, width, ofResult);
  const apart = rowsMissed(own, { rows: result.rows, k: otherWidth, ids: other as Int32Array }, width, ofResult);
  if (missed.filter(Boolean).length > TIES * result.rows) return Number.POSITIVE_INFINITY;
  const differing = apart.filter(Boolean).length;
  if (differing === 0) return 0;
  // Near ties are set aside; what is left has to be the most of it.
  const { ids, k, rows } = result;
  const others = rowsMissed(own, { ids, k, rows }, width, ofResult);
  if (2 * apart.filter((is, t) => is && !others[t]).length < differing) return Number.POSITIVE_INFINITY;
  return missed.filter((is, t) => is && apart[t]).length / differing;
}

/** Which rows have other experts, in whatever order, that rounding cannot have chosen. */
function rowsMissed(
  own: Float32Array | Int32Array,
  { ids, k, rows, ranked }: Choice,
  width: number,
  ofResult: number,
): boolean[] {
  const row = (all: Float32Array | Int32Array, t: number, cols: number): string =>
    all
      .slice(t * cols, (t + 1) * cols)
      .sort()
      .join();
  return Array.from({ length: rows }, (_, t) => {
    if (row(own, t, width) === row(ids, t, k)) return false;
    const [chosen, computed] = [own.slice(t * width, (t + 1) * width), ids.slice(t * k, (t + 1) * k)];
    return ranked === undefined || !areTied(rowOf(ranked, t), chosen, computed, ofResult);
  });
}

/** Score, bias and their sum are each rounded, of either expert. */
const ROUNDINGS = 6;

/** Whether rounding results may have chosen `own` instead of `ids`. */
function areTied(ranked: Float32Array, own: ArrayLike<number>, ids: ArrayLike<number>, ofResult: number): boolean {
  if (own.length !== ids.length || ofResult === 0) return false;
  const ranksOf = (some: ArrayLike<number>, others: ArrayLike<number>): number[] =>
    Array.from(some).flatMap((id) => (Array.from(others).includes(id) ? [] : [ranked[id]]));
  const [lost, won] = [ranksOf(ids, own), ranksOf(own, ids)];
  // A mistake may choose others than the highest, which are no ties.
  if (Math.min(...lost) < Math.max(...won)) return false;
  const apart = Math.max(...lost) - Math.min(...won);
  return apart <= ROUNDINGS * ofResult * Math.max(...lost.map(Math.abs));
}
