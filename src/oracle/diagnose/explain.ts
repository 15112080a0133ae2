// Which mistake explains what lies between two runs: with it, a side's operation gives the numbers that the side recorded.
import { type ReferenceExpertIds, type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import type { Comparison, PointComparison } from "../compare/compare.ts";
import type { Mistake } from "../mistakes/mistake.ts";
import { mistakes } from "../mistakes/mistakes.ts";
import type { Choice, Results } from "./fit.ts";
import { isKnown } from "./lazy-ops.ts";
import { openSite, placeOf, type Side, type Site } from "./site.ts";

/** A cause leaves at most this part of the difference between the runs. */
const LEFT = 0.1;
/** One that many mistakes come near to leaves no more than this. */
const LEFT_BY_CATCH_ALL = 0.02;
/** Parts that differ by less are the same. */
const SAME = 1e-4;
/** Causes that fit as well: with so many, none is told. */
const MANY = 3;
/** Rows with other experts than computed, which may have been near ties. */
const TIES = 0.02;

/** Between scores in bfloat16, the coarsest format that they are kept in. */
const SCORE_STEP = 2 ** -8;

const OF_EXPERTS = /\.(gate\.weights|experts\.w[123])$/;

export interface Explanation {
  readonly side: Side;
  readonly site: Site;
  readonly mistake: Mistake;
  /** Others that the numbers do not tell from it. */
  readonly alike: readonly Mistake[];
  /** The part of the difference that is left at the worst of the points. */
  readonly left: number;
}

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

interface Compared {
  readonly name: string;
  /** Of numbers; of experts, how far apart two scores are that a rounding may exchange. */
  readonly tolerance: number;
  /** Of the side, and of the other one. */
  readonly own: Float32Array | Int32Array;
  readonly other: Float32Array | Int32Array;
  /** Experts to a token, of the side and of the other one; undefined where the point holds numbers. */
  readonly k?: readonly [own: number, other: number];
  /** Made of what differs between the runs by now, such as other experts: only the side's own numbers say anything. */
  readonly isUnpaired: boolean;
}

/** B first, for A is what B is held against. */
export async function recompute(
  comparison: Comparison,
  first: PointComparison,
  [a, b]: readonly [Side, Side],
): Promise<Recomputed[]> {
  return [...(await recomputeSide(comparison, first, b, a)), ...(await recomputeSide(comparison, first, a, b))];
}

/** The module of `first` on one side: from its own projections on, and from what the module reads. */
export async function recomputeSide(
  comparison: Comparison,
  first: PointComparison,
  side: Side,
  other: Side,
): Promise<Recomputed[]> {
  const found: Recomputed[] = [];
  for (const beginning of ["projections", "input"] as const) {
    const site = await openSite(first, side, other, beginning);
    if (site === undefined) continue;
    const specified = site.results();
    const points = await comparedPoints(comparison, side, other, site, specified);
    const at = points.find(({ name }) => name === first.name);
    if (at === undefined) continue;
    const left = leftOf(at, specified.get(at.name), undefined);
    found.push({ side, site, specified, points, isRight: left !== undefined && left <= LEFT });
  }
  return found;
}

async function comparedPoints(
  { points, tolerance: { factor } }: Comparison,
  side: Side,
  { run: otherRun }: Side,
  site: Site,
  specified: Results,
): Promise<Compared[]> {
  const [{ run }, { from }] = [side, site];
  const compared: Compared[] = [];
  const tied = Math.min(factor / 8, SCORE_STEP);
  for (const { name, kind, tolerance } of points) {
    const [own, other] = [run.points.get(name), otherRun.points.get(name)];
    const rows = specified.get(name)?.rows;
    if (rows === undefined || own === undefined || other === undefined) continue;
    if (from + rows > Math.min(own.rows, other.rows) || (kind !== "ids" && own.cols !== other.cols)) continue;
    const [x, y] = await Promise.all([own.read(from, rows), other.read(from, rows)]);
    const k = kind === "ids" ? ([own.cols, other.cols] as const) : undefined;
    const choice = points.find((one) => one.name === name.replace(OF_EXPERTS, ".gate.experts"));
    // What the layer gives is made of what the feed-forward gave, too, where the runs have long parted.
    const isBeyond = placeOf(name, side.config)?.module !== site.place.module;
    const isUnpaired = isBeyond || (kind !== "ids" && OF_EXPERTS.test(name) && choice?.within === false);
    compared.push({ name, tolerance: kind === "ids" ? tied : tolerance, own: x, other: y, k, isUnpaired });
  }
  return compared;
}

/** What a side recorded at a point and what is specified there, where it is known and these are numbers. */
export function specifiedAt({ points, specified }: Recomputed, name: string) {
  const point = points.find((one) => one.name === name);
  const result = specified.get(name);
  if (point === undefined || result === undefined || "k" in result || !isKnown(result)) return undefined;
  return { own: point.own as Float32Array, specified: result.data, cols: result.cols };
}

/** The mistake that explains most, of several that explain as much the simplest. None, where that might be many. */
export function explain(
  recomputed: readonly Recomputed[],
  first: PointComparison,
  kind: Mistake["kind"],
  among: readonly Mistake[] = mistakes,
): Explanation | undefined {
  const found: Omit<Explanation, "alike">[] = [];
  for (const { side, site, specified, points, isRight } of recomputed) {
    if (isRight) continue;
    for (const mistake of among) {
      if (mistake.kind !== kind || !mistake.parts.some((part) => part === site.place.part)) continue;
      const left = worstLeft(points, specified, site.results(mistake), mistake, first);
      if (left !== undefined) found.push({ side, site, mistake, left });
    }
  }
  const least = Math.min(...found.map(({ left }) => left));
  const best = found.find(({ left }) => left <= least + SAME);
  if (best === undefined) return undefined;
  const causes = new Map<string, Mistake>();
  for (const { mistake, left, side } of found) {
    const isOther = !best.mistake.cause.split("+").some((cause) => mistake.cause.split("+").includes(cause));
    if (isOther && side === best.side && left <= 2 * least + SAME) causes.set(mistake.cause, mistake);
  }
  return causes.size >= MANY ? undefined : { ...best, alike: kind === "bug" ? [...causes.values()] : [] };
}

/** Undefined where too little could be compared: the first point, or one after it where that is either way. */
function worstLeft(
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
export function distanceLeft({ points, specified }: Recomputed, mistaken: Results): number {
  let [sum, count] = [0, 0];
  for (const point of points) {
    const [result, base] = [mistaken.get(point.name), specified.get(point.name)];
    if (result === undefined || !isKnown(result)) continue;
    const from = base !== undefined && isKnown(base) ? distance(point, base) : 1;
    const to = distance(point, result);
    if (from === 0 && to === 0) continue;
    sum += Math.min(2, to / from);
    count++;
  }
  return count === 0 ? Number.POSITIVE_INFINITY : sum / count;
}

/** Zero within the point's tolerance. */
function distance({ own, tolerance, k }: Compared, result: Result): number {
  if (k !== undefined) return "k" in result ? rowsMissed(own, result, k[0]).filter(Boolean).length : 1;
  if ("k" in result || result.data.length !== own.length) return Number.POSITIVE_INFINITY;
  let [square, most] = [0, 0];
  for (let i = 0; i < own.length; i++) {
    const apart = Math.abs(own[i] - result.data[i]);
    square += apart * apart;
    most = Math.max(most, apart);
  }
  return most <= tolerance ? 0 : Math.sqrt(square);
}

type Result = ReferenceTensor | Choice;

/**
 * Which part of own − other is not result − base; `base` is what is specified, or the other run itself where that is
 * not known. Infinite where the side's numbers are not those of the result within the point's tolerance.
 */
function leftOf(point: Compared, result: Result | undefined, base: Result | undefined, isExact = false) {
  if (result === undefined || !isKnown(result)) return undefined;
  if (point.k !== undefined) return "k" in result ? leftOfChoice(point, result, point.k) : undefined;
  if ("k" in result || result.data.length !== point.own.length) return undefined;
  const { own, other, tolerance } = point;
  const from = base !== undefined && !("k" in base) && isKnown(base) ? base.data : other;
  let [left, apart, worst] = [0, 0, 0];
  for (let i = 0; i < own.length; i++) {
    const difference = own[i] - other[i];
    left += (difference - (result.data[i] - from[i])) ** 2;
    apart += difference ** 2;
    worst = Math.max(worst, Math.abs(own[i] - result.data[i]));
  }
  const isClose = worst <= tolerance;
  if (point.isUnpaired || !isApart(point)) return isClose ? 0 : Number.POSITIVE_INFINITY;
  return isExact && !isClose ? Number.POSITIVE_INFINITY : Math.sqrt(left / apart);
}

function isApart({ own, other, tolerance, k }: Compared): boolean {
  if (k === undefined) return own.some((value, i) => !(Math.abs(value - other[i]) <= tolerance));
  return k[0] !== k[1] || own.some((id, i) => id !== other[i]); // both ascend
}

function leftOfChoice(
  { own, other, tolerance }: Compared,
  result: Choice,
  [width, otherWidth]: readonly [own: number, other: number],
): number {
  const { rows } = result;
  const ties = rowsTied(own, result, width, tolerance);
  const missed = rowsMissed(own, result, width).map((is, t) => is && !ties[t]);
  if (missed.filter(Boolean).length > TIES * rows) return Number.POSITIVE_INFINITY;
  const apart = rowsMissed(own, { rows, k: otherWidth, ids: other as Int32Array }, width);
  const differing = apart.filter(Boolean).length;
  if (differing === 0) return 0;
  // Near ties are set aside; what is left has to be the most of it.
  const left = apart.filter((is, t) => is && !ties[t]).length;
  if (2 * left < differing) return Number.POSITIVE_INFINITY;
  return missed.filter((is, t) => is && apart[t]).length / left;
}

/** Which rows have other experts, in whatever order. */
function rowsMissed(own: Float32Array | Int32Array, { ids, k, rows }: ReferenceExpertIds, width: number): boolean[] {
  const row = (all: Float32Array | Int32Array, t: number, cols: number): string =>
    all
      .slice(t * cols, (t + 1) * cols)
      .sort()
      .join();
  return Array.from({ length: rows }, (_, t) => row(own, t, width) !== row(ids, t, k));
}

/** Which rows have other experts whose scores are no further than `apart` from those that were to be chosen. */
function rowsTied(own: Float32Array | Int32Array, result: Choice, width: number, apart: number): boolean[] {
  const { ranked, k } = result;
  const missed = rowsMissed(own, result, width);
  if (ranked === undefined || k !== width || !isKnown(ranked)) return missed.map(() => false);
  return missed.map((is, t) => {
    if (!is) return false;
    const chosen = own.subarray(t * width, (t + 1) * width);
    const scores = rowOf(ranked, t);
    const [least, best] = [
      Math.min(...Array.from(chosen, (id) => scores[id])),
      Math.max(...scores.filter((_, id) => !chosen.includes(id))),
    ];
    return best - least <= apart;
  });
}
