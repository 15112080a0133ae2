// Why two runs part: the operation at the first point outside tolerance, computed again under every known mistake.
import type { Config } from "../../model/config.ts";
import { formatError, shortest } from "../../quantities.ts";
import type { ReferenceWeight } from "../../reference/tensor.ts";
import { type Comparison, type PointComparison, tracedBias } from "../compare/compare.ts";
import { measureGap } from "../compare/gap.ts";
import { weightOf } from "../mistakes/columns.ts";
import type { Mistake } from "../mistakes/mistake.ts";
import { mistakes } from "../mistakes/mistakes.ts";
import { explainIds } from "../recorded/id-shift.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import { type Fit, fitOf } from "./fit.ts";
import { learnedWeights } from "./learned-weights.ts";
import { type ModelWeights, readParameters } from "./model-weights.ts";
import { isPrecision } from "./precision.ts";
import { shownConfig, statedConfig } from "./run-config.ts";
import { openSite, type Place, type Side, type Site } from "./site.ts";

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

/** A mistake explains a run when it leaves at most this part of the error, */
const EXPLAINED = 0.1;
/** and of the numbers themselves at most this: 8-bit activations leave a percent. */
const CLOSE = 0.02;
/** Rows that are looked at for one factor. */
const ROWS = 16;

/** @param weights  of the model that both should have run; without it, what needs weights is left out */
export async function diagnose(comparison: Comparison, weights?: ModelWeights): Promise<Diagnosed> {
  const { a, b, first, idsDifferAt } = comparison;
  if (comparison.equal) return { guess: undefined, hints: [] };
  if (idsDifferAt >= 0) return { guess: idsGuess(comparison), hints: [] };
  if (first === undefined) return { guess: undefined, hints: [] };
  const config = weights?.config ?? statedConfig(a) ?? statedConfig(b);
  const sides = sidesOf(comparison, first, config ?? shownConfig(a), weights);
  const guess =
    (sides && (await siteGuess(first, sides))) ??
    nearTieGuess(first) ??
    (await scaleGuess(comparison, first)) ??
    precisionGuess(comparison);
  return { guess, hints: guess === undefined ? hintsOf(config, weights, [a, b]) : [] };
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

/** B first, for A is what B is held against; the side whose operation is as specified is not to blame. */
async function siteGuess(first: PointComparison, [a, b]: readonly [Side, Side]): Promise<Diagnosis | undefined> {
  const fits: Candidate[] = [];
  for (const [side, other] of [
    [b, a],
    [a, b],
  ] as const) {
    for (const beginning of ["projections", "input"] as const) {
      const site = await openSite(first, side, other, beginning);
      const found = site && (await bestMistake(side, site));
      if (found !== undefined) fits.push(found);
    }
  }
  const part = ({ fit, specified }: Candidate): number => fit.rmsRelative / (specified?.rmsRelative ?? 1);
  const best = fits.reduce<Candidate | undefined>((x, y) => (x === undefined || part(y) < part(x) ? y : x), undefined);
  if (best === undefined) return undefined;
  const { mistake, side, site, fit, specified } = best;
  const says = typeof mistake.says === "string" ? mistake.says : mistake.says(side.config);
  const evidence =
    `recomputing ${side.label}'s ${fit.point} from ${list([...site.inputs])} with ${says} gives ${fit.says}` +
    (specified === undefined ? "" : `; as specified ${specified.says}`);
  return { cause: mistake.cause, kind: mistake.kind, side: side.label, says, evidence };
}

interface Candidate {
  readonly side: Side;
  readonly site: Site;
  readonly mistake: Mistake;
  readonly fit: Fit;
  /** Undefined where too little is known to compute what is specified. */
  readonly specified: Fit | undefined;
}

async function bestMistake(side: Side, site: Site): Promise<Candidate | undefined> {
  const specified = await fitOf(side.run, site.results(), site.from);
  if (specified?.isEqual) return undefined;
  const most = Math.min(CLOSE, EXPLAINED * (specified?.rmsRelative ?? 1));
  let best: Candidate | undefined;
  for (const mistake of mistakes) {
    if (site.place.part === undefined || !mistake.parts.includes(site.place.part)) continue;
    const fit = await fitOf(side.run, site.results(mistake), site.from, most);
    if (fit === undefined || fit.rmsRelative > most) continue;
    if (best !== undefined && fit.rmsRelative >= 0.5 * best.fit.rmsRelative) continue; // the simpler one stands first
    best = { side, site, mistake, fit, specified };
  }
  return best;
}

function nearTieGuess({ name, router }: PointComparison): Diagnosis | undefined {
  if (router === undefined || router.nearTies === 0 || router.nearTies < router.flips) return undefined;
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
  const says = `B's ${first.name} is A's times ${shortest(factor, 5)}`;
  const evidence = `the multiple lies within ${formatError(scaled.maxAbs)} of B's numbers; without it they are ${formatError(apart.maxAbs)} apart`;
  return { cause: "scaled", kind: "bug", side: undefined, says, evidence };
}

function precisionGuess(comparison: Comparison): Diagnosis | undefined {
  const found = isPrecision(comparison.points);
  if (found === undefined) return undefined;
  const stated = statedPrecision(comparison);
  const says = stated === "" ? "lower precision on one side" : `another precision: ${stated}`;
  return { cause: "precision", kind: "precision", side: undefined, says, evidence: found };
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
  const { cause, side, says } = shift;
  const evidence = `input ids differ from index ${idsDifferAt} on; moved by one they are the same`;
  return { cause, kind: "bug", side, says, evidence };
}

function hintsOf(
  config: Config | undefined,
  weights: ModelWeights | undefined,
  runs: readonly RecordedRun[],
): string[] {
  const hints: string[] = [];
  if (weights === undefined)
    hints.push("without weights, most operations cannot be computed again: give the model with -m");
  if (config === undefined) hints.push("neither run states its config: give the model with -m");
  const inner = runs.some(({ points }) => ![...points.keys()].some((name) => name.endsWith("_rope")));
  if (inner && weights === undefined)
    hints.push("points inside the operators tell more: record q_rope, conv.in_proj and their like");
  return hints;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
