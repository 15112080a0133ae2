// A module of a side computed from what the side itself recorded, beside what both runs recorded of it.
import { type Allowance, allowanceOf, allowedAt } from "../compare/allowance.ts";
import type { Comparison, PointComparison } from "../compare/compare.ts";
import type { Results } from "./fit.ts";
import { isKnown } from "./lazy-ops.ts";
import { type Compared, LEFT, leftOf, type Recomputed } from "./left-over.ts";
import { openSite, placeOf, type Side, type Site } from "./site.ts";

const OF_EXPERTS = /\.(gate\.weights|experts\.w[123])$/;

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
    // Without projections the two are one.
    if (beginning === "input" && found.some(({ site }) => !site.hasProjections)) continue;
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
  { points, tolerance: runTolerance }: Comparison,
  side: Side,
  { run: otherRun }: Side,
  site: Site,
  specified: Results,
): Promise<Compared[]> {
  const [{ run }, { from }] = [side, site];
  const compared: Compared[] = [];
  for (const { name, kind, allowance } of points) {
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
    const { cols } = own;
    const at = (given: Allowance | undefined, first: number, numbers: ArrayLike<number>) => (i: number) =>
      given === undefined ? 0 : allowedAt(given, first + Math.floor(i / cols), numbers[i]);
    // A mistake may make everything larger, and with it what is rounded.
    const ofOwn = runTolerance.minds && kind !== "ids" ? allowanceOf(x, cols, runTolerance) : undefined;
    const allowed = at(allowance, from, side.label === "A" ? x : y);
    const close = ofOwn === undefined ? allowed : at(ofOwn, 0, x);
    const { ofResult = 0 } = runTolerance;
    compared.push({ name, allowed, close, ofResult, own: x, other: y, k, isUnpaired });
  }
  return compared;
}

/** What a side recorded at a point and what is specified there, where it is known and these are numbers. */
export function specifiedAt({ points, specified }: Recomputed, name: string) {
  const point = points.find((one) => one.name === name);
  const result = specified.get(name);
  if (point === undefined || result === undefined || "k" in result || !isKnown(result)) return undefined;
  return { own: point.own as Float32Array, specified: result.data, cols: result.cols, close: point.close };
}
