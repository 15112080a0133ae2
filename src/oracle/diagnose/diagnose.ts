// Why two runs part: the operation at the first point outside tolerance, computed again under every known mistake.
import type { Config } from "../../model/config.ts";
import { formatError, shortest } from "../../quantities.ts";
import type { ReferenceWeight } from "../../reference/tensor.ts";
import { type Comparison, type PointComparison, tracedBias } from "../compare/compare.ts";
import { measureGap } from "../compare/gap.ts";
import { weightOf } from "../mistakes/columns.ts";
import { inExpertOrder } from "../recorded/expert-order.ts";
import { explainIds } from "../recorded/id-shift.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import { damageAt } from "./damaged-weight.ts";
import { explain, type Recomputed, recompute } from "./explain.ts";
import { fitOf } from "./fit.ts";
import { learnedWeights } from "./learned-weights.ts";
import { type ModelWeights, readParameters } from "./model-weights.ts";
import { courseOf, isPrecision } from "./precision.ts";
import { roundingEvidence } from "./rounding.ts";
import { shownConfig, statedConfig } from "./run-config.ts";
import type { Place, Side } from "./site.ts";
import { triedLines } from "./tried.ts";

export interface Diagnosis {
  /** For programs: "softmax-router", "rope-interleaved", "kv-f16", "near-tie", "precision"; two joined by a plus. */
  readonly cause: string;
  readonly kind: "bug" | "precision";
  /** The side that does not compute as specified; undefined where none is to blame. */
  readonly side: "A" | "B" | undefined;
  /** For people, a clause: "softmax instead of sigmoid". */
  readonly says: string;
  /** What was computed, and what came out. */
  readonly evidence: string;
}

export interface Diagnosed {
  readonly guess: Diagnosis | undefined;
  /** What stood in the way, where there is no guess: "no weights: give the model with -m". */
  readonly hints: readonly string[];
}

/** A factor explains a difference when it leaves at most this part of it. */
const EXPLAINED = 0.1;
/** Rows that are looked at for one factor. */
const ROWS = 16;

/** @param weights  of the model that both should have run; without it, what needs weights is left out */
export async function diagnose(given: Comparison, weights?: ModelWeights): Promise<Diagnosed> {
  const comparison = { ...given, a: inExpertOrder(given.a), b: inExpertOrder(given.b) };
  const { a, b, first, idsDifferAt } = comparison;
  if (comparison.equal) return { guess: undefined, hints: [] };
  if (idsDifferAt >= 0) {
    const guess = idsGuess(comparison);
    const hint = `the input ids differ from index ${idsDifferAt} on: compare runs of the same ids`;
    return { guess, hints: guess === undefined ? [hint] : [] };
  }
  if (first === undefined) return { guess: undefined, hints: [] };
  const config = weights?.config ?? statedConfig(a) ?? statedConfig(b);
  const sides = sidesOf(comparison, first, config ?? shownConfig(a), weights);
  const recomputed = sides === undefined ? [] : await recompute(comparison, first, sides);
  const bug = (await notFiniteGuess(comparison, first)) ?? (await mistakeGuess(recomputed, first, "bug"));
  const rounding = bug ? undefined : (nearTieGuess(first) ?? (await mistakeGuess(recomputed, first, "precision")));
  const beyond = rounding && beyondRounding(comparison, first, rounding);
  // Where the runs part, a rounding; but not all: the rest would have to be compared without it.
  if (beyond !== undefined) return { guess: undefined, hints: [beyond] };
  const guess =
    bug ??
    rounding ??
    (await scaleGuess(comparison, first)) ??
    damageGuess(recomputed, first) ??
    (weights && precisionGuess(comparison, recomputed, first));
  return { guess, hints: guess === undefined ? hintsOf(comparison, first, recomputed, config, weights) : [] };
}

function sidesOf(
  { a, b }: Comparison,
  first: PointComparison,
  config: Config | undefined,
  weights: ModelWeights | undefined,
): readonly [Side, Side] | undefined {
  if (config === undefined) return undefined;
  const sideOf = (label: "A" | "B", run: RecordedRun, other: RecordedRun): Side => {
    const known = async (place: Place): Promise<ReadonlyMap<string, ReferenceWeight>> => {
      if (weights !== undefined) return readParameters(weights, place);
      const feedForward = place.module.replace(/\.gate$/, "");
      const bias = (await tracedBias(run, feedForward)) ?? (await tracedBias(other, feedForward));
      const learned = await learnedWeights(first, sideOf(label === "A" ? "B" : "A", other, run));
      if (bias) learned.set(`${feedForward}.expert_bias`, weightOf(1, bias.length, bias, `${feedForward}.expert_bias`));
      return learned;
    };
    let found: ReturnType<Side["weights"]> | undefined;
    return { label, run, config, weights: (place) => (found ??= known(place)) };
  };
  return [sideOf("A", a, b), sideOf("B", b, a)];
}

async function mistakeGuess(
  recomputed: readonly Recomputed[],
  first: PointComparison,
  wanted: Diagnosis["kind"],
): Promise<Diagnosis | undefined> {
  const found = explain(recomputed, first, wanted);
  if (found === undefined) return undefined;
  const { mistake, side, site } = found;
  const fit = await fitOf(side.run, site.results(mistake), site.from);
  const specified = await fitOf(side.run, site.results(), site.from);
  const says = typeof mistake.says === "string" ? mistake.says : mistake.says(side.config);
  const evidence =
    `recomputing ${side.label}'s ${fit?.point} from ${list([...site.inputs])} with ${says} gives ${fit?.says}` +
    (specified === undefined ? "" : `; as specified ${specified.says}`);
  return { cause: mistake.cause, kind: mistake.kind, side: side.label, says, evidence };
}

/** Every other expert there would have been as good. */
function isNearTie({ router }: PointComparison): boolean {
  return router !== undefined && router.flips > 0 && router.nearTies === router.flips;
}

function nearTieGuess(point: PointComparison): Diagnosis | undefined {
  const { name, router } = point;
  if (router === undefined || !isNearTie(point)) return undefined;
  const [{ apart, isBound }] = router.examples;
  const evidence =
    `all ${router.flips} flipped ${router.flips === 1 ? "expert" : "experts"} of ${name} were near ties: the first two stood ` +
    `${isBound ? "at most " : ""}${formatError(apart ?? 0)} apart, no more than the runs' scores differ`;
  return {
    cause: "near-tie",
    kind: "precision",
    side: undefined,
    says: "near ties, which a rounding decides",
    evidence,
  };
}

/** What a rounding at the first point cannot have led to, as a sentence's end. */
function beyondRounding(
  { points, a }: Comparison,
  first: PointComparison,
  { cause, says }: Diagnosis,
): string | undefined {
  const since = `${says} (${cause}) explains ${first.name}`;
  if (cause === "near-tie") {
    // The model is causal: another expert changes no position before its own.
    let from = first.firstRow;
    for (const point of points) {
      if (point.within || point.firstRow >= from) continue;
      if (!isNearTie(point)) {
        return `${since}, but ${point.name} differs from token ${a.start + Math.max(0, point.firstRow)} on, before it`;
      }
      from = point.firstRow;
    }
    return undefined;
  }
  const course = courseOf(points);
  if ("says" in course) return undefined;
  return `${since}, but not what lies between the runs at ${course.unlike.name}: compare them without this rounding`;
}

/** One place of a weight: nothing else gives what a side recorded. */
function damageGuess(recomputed: readonly Recomputed[], { name, tolerance }: PointComparison): Diagnosis | undefined {
  for (const one of recomputed) {
    const found = one.isRight ? undefined : damageAt(one, name, tolerance);
    if (found === undefined) continue;
    const { cause, place, left } = found;
    const { label } = one.side;
    const says = cause === "zeroed-rows" ? `${place} zero` : `another number in ${place}`;
    const evidence =
      `what ${label}'s ${name} lacks of what is specified is ` +
      (cause === "zeroed-rows"
        ? "all there is in these columns"
        : `that place's part of it, but for ${formatError(left)}`);
    return { cause, kind: "bug", side: label, says, evidence };
  }
  return undefined;
}

/** One factor for everything: a scale that was left out, or put in twice. */
async function scaleGuess({ a, b }: Comparison, first: PointComparison): Promise<Diagnosis | undefined> {
  const { name, kind, shapeA, shapeB, firstRow } = first;
  if (kind === "ids" || shapeA[1] !== shapeB[1]) return undefined;
  const rows = Math.min(shapeA[0], shapeB[0], ROWS);
  const from = Math.max(0, Math.min(firstRow, shapeA[0] - rows));
  const read = async ({ points }: RecordedRun) => (await points.get(name)?.read(from, rows)) as Float32Array;
  const [x, y] = [await read(a), await read(b)];
  const square = x.reduce((sum, value) => sum + value * value, 0);
  const factor = x.reduce((sum, value, i) => sum + value * y[i], 0) / square;
  const apart = measureGap(y, x);
  const scaled = measureGap(
    y,
    x.map((value) => value * factor),
  );
  if (!(scaled.rmsRelative <= 1e-4 && scaled.rmsRelative <= EXPLAINED * apart.rmsRelative)) return undefined;
  const times = shortest(factor, 5);
  // A tolerance of almost nothing finds roundings, and some of these are of one sign.
  if (Number(times) === 1) return undefined;
  const says = `B's ${first.name} is A's times ${times}`;
  const evidence = `the multiple lies within ${formatError(scaled.maxAbs)} of B's numbers; without it they are ${formatError(apart.maxAbs)} apart`;
  return { cause: "scaled", kind: "bug", side: undefined, says, evidence };
}

/** NaN, and infinity, which half precision makes of what is larger than 65504. */
async function notFiniteGuess(
  { a, b }: Comparison,
  { name, gap, firstRow }: PointComparison,
): Promise<Diagnosis | undefined> {
  const { actual = 0, expected = 0 } = gap?.notFinite ?? {};
  if (actual === expected) return undefined;
  const [side, run, count] = actual > expected ? (["B", b, actual] as const) : (["A", a, expected] as const);
  const point = run.points.get(name);
  const rows = Math.min(ROWS, (point?.rows ?? 0) - Math.max(0, firstRow));
  const numbers = (await point?.read(Math.max(0, firstRow), rows)) as Float32Array;
  const overflown = numbers.filter((value) => Math.abs(value) >= 65504).length;
  const cause = overflown > 0 ? "overflow" : "not-a-number";
  const says = overflown > 0 ? "numbers past 65504, where half precision overflows" : `NaN in ${name}`;
  const evidence =
    `${count} of ${side}'s numbers of ${name} are NaN or infinite, the first of them at token ${run.start + firstRow}` +
    (overflown > 0 ? `; ${overflown} are infinite, or 65504 and more` : "");
  return { cause, kind: "bug", side, says, evidence };
}

/** Errors that grow as rounding's do, and at the first point are made as rounding makes them. */
function precisionGuess(
  comparison: Comparison,
  recomputed: readonly Recomputed[],
  { name }: PointComparison,
): Diagnosis | undefined {
  const evidence = [roundingEvidence(recomputed, name), isPrecision(comparison.points)];
  if (evidence.includes(undefined)) return undefined;
  const stated = statedPrecision(comparison);
  const says = stated === "" ? "lower precision on one side" : `another precision: ${stated}`;
  return { cause: "precision", kind: "precision", side: undefined, says, evidence: evidence.join("; ") };
}

function statedPrecision({ a, b }: Comparison): string {
  return (["mode", "kvType"] as const)
    .filter((key) => a.about?.[key] !== undefined && b.about?.[key] !== undefined && a.about[key] !== b.about[key])
    .map((key) => `${key === "mode" ? "mode" : "KV cache"} ${a.about?.[key]} and ${b.about?.[key]}`)
    .join(", ");
}

function idsGuess({ a, b, idsDifferAt }: Comparison): Diagnosis | undefined {
  const bos = a.about?.config.bos_token_id ?? b.about?.config.bos_token_id;
  const shift = explainIds(a, b, typeof bos === "number" ? bos : undefined);
  if (shift === undefined) return undefined;
  const { cause, side, says, by } = shift;
  const evidence = `input ids differ from index ${idsDifferAt} on; moved by ${by === 1 ? "one" : by} they are the same`;
  return { cause, kind: "bug", side, says, evidence };
}

/** Why there is no cause: what was tried, and what would tell more. Never empty. */
function hintsOf(
  comparison: Comparison,
  first: PointComparison,
  recomputed: readonly Recomputed[],
  config: Config | undefined,
  weights: ModelWeights | undefined,
): string[] {
  const hints = triedLines(recomputed, first.name, first.tolerance);
  if (weights === undefined) {
    const rounding = isPrecision(comparison.points) === undefined ? "" : "; it may be rounding";
    hints.push(`without weights, most operations cannot be computed again${rounding}: give the model with -m`);
  }
  if (config === undefined) hints.push("neither run states its config: give the model with -m");
  const isInner = (name: string): boolean => /_rope$|in_proj$|experts\.w2$/.test(name);
  if (![...comparison.b.points.keys()].some(isInner))
    hints.push("points inside the operators tell more: record q_rope, conv.in_proj, experts.w2 and their like");
  if (hints.length === 0) hints.push(`nothing that was recorded tells what ${first.name} was computed from`);
  return hints;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
