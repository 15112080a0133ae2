// Why two runs part: the operation at the first point outside tolerance, computed again under every known mistake.
import type { Config } from "../../model/config.ts";
import type { ReferenceWeight } from "../../reference/tensor.ts";
import { type Comparison, type PointComparison, tracedBias } from "../compare/compare.ts";
import { weightOf } from "../mistakes/columns.ts";
import { inExpertOrder } from "../recorded/expert-order.ts";
import { explainIds } from "../recorded/id-shift.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import { type Explanation, explain } from "./explain.ts";
import { type Diagnosis, damageGuess, notFiniteGuess, scaleGuess, told } from "./guesses.ts";
import type { Recomputed } from "./left-over.ts";
import { type ModelWeights, readParameters } from "./model-weights.ts";
import { isNearTie, nearTieGuess } from "./near-ties.ts";
import { courseOf, isPrecision } from "./precision.ts";
import { recompute } from "./recompute.ts";
import { examineRest, type Rest } from "./rest.ts";
import { roundingEvidence } from "./rounding.ts";
import { shownConfig, statedConfig } from "./run-config.ts";
import { explainTogether } from "./several.ts";
import { type Place, placeOf, type Side } from "./site.ts";
import { spreadLine, triedLines, unexplainedLines } from "./tried.ts";
import { learnedWeights } from "./weights/learned-weights.ts";
import { otherWeightGuess } from "./weights/other-weight.ts";
import { createWork, MOST_PRODUCTS, type Work } from "./work.ts";

export interface Diagnosed {
  /** Of what the run did first; the first mistake, where there are mistakes and roundings. */
  readonly guess: Diagnosis | undefined;
  /** What else was found, in the order of execution: further mistakes, and near ties or roundings beside them. */
  readonly next: readonly Diagnosis[];
  /** What stood in the way, where there is no guess: "no weights: give the model with -m"; else what it leaves open. */
  readonly hints: readonly string[];
  /** What the search has computed, in products of two numbers. */
  readonly products: number;
}

type Found = Omit<Diagnosed, "products">;

const BIAS = ".expert_bias";
const TAPS = /\.conv\.conv$/;
const NORM = /\.(operator|ffn|embedding)_norm$/;

/**
 * @param weights  of the model that both should have run; without it, what needs weights is left out
 * @param most     products of two numbers that the search may compute; what is then left out is among the hints
 */
export async function diagnose(given: Comparison, weights?: ModelWeights, most = MOST_PRODUCTS): Promise<Diagnosed> {
  const work = createWork(most);
  const found = await search(given, weights, work);
  return { ...found, hints: [...found.hints, ...untried(work)], products: work.spent };
}

async function search(given: Comparison, weights: ModelWeights | undefined, work: Work): Promise<Found> {
  const comparison = { ...given, a: inExpertOrder(given.a), b: inExpertOrder(given.b) };
  const { a, b, points, first = points[0], idsDifferAt } = comparison;
  if (comparison.equal) return { guess: undefined, next: [], hints: [] };
  const config = weights?.config ?? statedConfig(a) ?? statedConfig(b);
  const sides = sidesOf(comparison, first, config ?? shownConfig(a), weights, work);
  if (idsDifferAt >= 0) {
    const guess = idsGuess(comparison);
    const hint = `the input ids differ from index ${idsDifferAt} on: compare runs of the same ids`;
    if (guess === undefined || sides === undefined)
      return { guess, next: [], hints: guess === undefined ? [hint] : [] };
    const found = { told: guess, mistake: undefined };
    return withRest(await examineRest(comparison, sides[Number(guess.side === "B")], found, points[0].name));
  }
  const notFinite = await notFiniteGuess(comparison, first);
  if (notFinite !== undefined) return { guess: notFinite, next: [], hints: [] };
  const recomputed = sides === undefined ? [] : await recompute(comparison, first, sides);
  const ties = nearTieGuess(first);
  const bug = ties?.cause === "exact-tie" ? undefined : explain(recomputed, first, "bug");
  const rounding = bug ? undefined : explain(recomputed, first, "precision");
  const tie = bug ? undefined : ties;
  if (tie !== undefined || rounding !== undefined) {
    return roundingAndRest(
      comparison,
      first,
      sides,
      tie ?? (await told(rounding as Explanation)),
      tie ? undefined : rounding,
    );
  }
  // Within a wide tolerance something of several fits everything.
  const several = bug || comparison.tolerance.wide ? undefined : explainTogether(recomputed, first);
  const known = bug ?? several;
  const guess =
    (known && (await told(known))) ??
    (await scaleGuess(comparison, first)) ??
    damageGuess(recomputed, first) ??
    (await otherWeightGuess(comparison, first, config, wrongSide(recomputed)));
  const precision = guess === undefined && weights ? precisionGuess(comparison, recomputed, first) : undefined;
  if (precision !== undefined) return { guess: precision, next: [], hints: [] };
  const side = sides?.[Number(guess?.side !== "A")];
  const found = guess && { told: guess, mistake: known?.mistake };
  const rest = side && (await examineRest(comparison, side, found, first.name));
  if (rest !== undefined && (guess !== undefined || rest.isFirstExplained)) return withRest(rest);
  if (guess !== undefined) return { guess, next: [], hints: [] };
  const hints = hintsOf(comparison, first, recomputed, config, weights);
  const spread = side && rest && spreadLine(rest, side.label);
  return { guess, next: rest?.causes ?? [], hints: spread === undefined ? hints : [...hints, spread] };
}

/** A mistake, and what the rest of the run says of it. */
function withRest({ causes: [guess, ...next], unexplained, unknown, isCutShort }: Rest): Found {
  const hints = unexplainedLines(unexplained);
  const isAll = next.length + hints.length + unknown.length === 0 && !isCutShort;
  const corrected = isAll ? "; corrected by this, every later operation gives what is specified" : "";
  return { guess: { ...guess, evidence: `${guess.evidence}${corrected}` }, next, hints };
}

/** Things that are listed. */
const LISTED = 5;

/** What a search that ended early has left out, and how it goes on. */
function untried({ leftOut, limit }: Work): string[] {
  if (leftOut.length === 0) return [];
  const uncounted = (thing: string): string => thing.replace(/^\d+ of \d+ /, "");
  const things = leftOut.filter(
    (thing, i) => leftOut.findIndex((other) => uncounted(other) === uncounted(thing)) === i,
  );
  const more = things.length > LISTED ? `; and ${things.length - LISTED} more` : "";
  const number = (count: number): string => count.toExponential().replace("+", "");
  const after = `the search ended after ${number(limit)} products of two numbers, without`;
  return [
    `${after} ${things.slice(0, LISTED).join("; ")}${more}: --max-products ${number(10 * limit)} allows ten times as much`,
  ];
}

/**
 * What a whole run in 16 bits may be off by is made in many layers; one module, computed from what the run itself
 * recorded, is off by less than this part of it, or something else than rounding has led to the ties.
 */
const OF_MODULE = 1 / 4;

/** A rounding or near ties where the runs part: set aside, and the rest looked at on both sides. */
async function roundingAndRest(
  comparison: Comparison,
  first: PointComparison,
  sides: readonly Side[] = [],
  rounding: Diagnosis,
  explanation: Explanation | undefined,
): Promise<Found> {
  const rests: Rest[] = [];
  const isTie = explanation === undefined;
  const { tolerance } = comparison;
  const strict = { ...comparison, tolerance: { ...tolerance, factor: OF_MODULE * tolerance.factor } };
  for (const side of sides) {
    const found = explanation?.side === side ? { told: rounding, mistake: explanation.mistake } : undefined;
    const isStrict = isTie && tolerance.minds !== undefined && side.hasModel;
    // A wide tolerance may have hidden what came before the ties.
    const [against, from] = isStrict ? [strict, undefined] : [comparison, first.name];
    rests.push(await examineRest(against, side, found, from));
  }
  const [bug, ...bugs] = rests.flatMap(({ causes }) => causes).filter(({ kind }) => kind === "bug");
  if (bug !== undefined) return { guess: bug, next: [rounding, ...bugs], hints: [] };
  const isKnown = rests.length > 0 && rests.every((rest) => rest.unknown.length === 0 && !rest.isCutShort);
  const open = isTie ? rests.flatMap(({ unexplained }) => unexplained) : [];
  const beyond =
    isTie && open.length > 0
      ? `${rounding.says} (${rounding.cause}) explains ${first.name}, but ${open[0].path} is not what is specified either`
      : isTie && isKnown
        ? undefined
        : beyondRounding(comparison, first, rounding);
  return beyond === undefined
    ? { guess: rounding, next: [], hints: [] }
    : { guess: undefined, next: [], hints: [beyond] };
}

/** The one that does not give what is specified, where the model tells. */
function wrongSide(recomputed: readonly Recomputed[]): Side | undefined {
  const wrong = new Set(recomputed.filter(({ side, isRight }) => side.hasModel && !isRight).map(({ side }) => side));
  return wrong.size === 1 ? [...wrong][0] : undefined;
}

function sidesOf(
  { a, b, points }: Comparison,
  first: PointComparison,
  config: Config | undefined,
  weights: ModelWeights | undefined,
  work: Work,
): readonly [Side, Side] | undefined {
  if (config === undefined) return undefined;
  const ofModel = weights && lastOf((place) => readParameters(weights, place));
  const sideOf = (label: "A" | "B", run: RecordedRun, other: RecordedRun): Side => {
    const readLearned = async (place: Place): Promise<ReadonlyMap<string, ReferenceWeight>> => {
      const isThere = ({ name }: PointComparison): boolean => placeOf(name, config)?.module === place.module;
      const point = isThere(first) ? first : points.find(isThere);
      const learnFrom = sideOf(label === "A" ? "B" : "A", other, run);
      const learned = await learnedWeights(point ?? first, learnFrom);
      // Those of other layers, one of which it may have, where nothing parted before: a layer exchanged has another's, too.
      const isOwn = (name: string): boolean => name === `${place.module.replace(/\.gate$/, "")}${BIAS}`;
      for (const from of [other, run]) {
        for (const path of [...from.points.keys()].filter((name) =>
          isThere(first) ? name.endsWith(BIAS) : isOwn(name),
        )) {
          const bias = await tracedBias(from, path.slice(0, -BIAS.length));
          if (bias) learned.set(path, weightOf(1, bias.length, bias, path));
        }
      }
      // A norm may have another's gain, a convolution another's taps.
      const alike = place.part === "norm" ? NORM : place.part === "short convolution" ? TAPS : undefined;
      for (const [path, { rows, cols }] of other.points) {
        if (alike?.test(path) !== true || learned.has(path)) continue;
        const shape = [rows, cols] as const;
        const at = { ...(point ?? first), name: path, firstRow: 0, shapeA: shape, shapeB: shape };
        for (const [found, weight] of await learnedWeights(at, learnFrom)) learned.set(found, weight);
      }
      return learned;
    };
    return {
      ...{ label, run, config, hasModel: weights !== undefined, work },
      weights: ofModel ?? lastOf(readLearned),
    };
  };
  return [sideOf("A", a, b), sideOf("B", b, a)];
}

/** The last module's are kept. */
function lastOf(read: Side["weights"]): Side["weights"] {
  let last: { readonly module: string; readonly found: ReturnType<Side["weights"]> } | undefined;
  return (place) => {
    if (last?.module !== place.module) last = { module: place.module, found: read(place) };
    return last.found;
  };
}

/** What a rounding at the first point cannot have led to, as a sentence's end. */
function beyondRounding(
  { points, a }: Comparison,
  first: PointComparison,
  { cause, says }: Diagnosis,
): string | undefined {
  const since = `${says} (${cause}) explains ${first.name}`;
  if (cause === "near-tie" || cause === "exact-tie") {
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
  const hints = triedLines(recomputed, first.name);
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
