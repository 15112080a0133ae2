// Why two runs part: the operation at the first point outside tolerance, computed again under every known mistake.
import { type Config, readConfig } from "../../model/config.ts";
import { ConfigError } from "../../model/config-keys.ts";
import { formatError } from "../../quantities.ts";
import type { Comparison, PointComparison } from "../compare/compare.ts";
import { measureGap } from "../compare/gap.ts";
import { explainIds } from "../recorded/id-shift.ts";
import { FINAL_NORM, layerPoint, placeInLayer } from "../recorded/point-names.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import { attentionSite, projectionSite } from "./attention-site.ts";
import { convSite } from "./conv-site.ts";
import { feedForwardSite } from "./feed-forward-site.ts";
import { type Fit, fitOf, type Hypothesis, readRows, type Side, type Site } from "./hypothesis.ts";
import type { ModelWeights } from "./model-weights.ts";
import { normSite } from "./norm-site.ts";
import { isPrecision } from "./precision.ts";
import { explainChoice, routerWeightsSite } from "./router-site.ts";

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

/** Rows that are computed again, where an operation looks at one row at a time. */
const ROWS = 16;
/** A mistake explains a run when it leaves at most this part of the error, */
const EXPLAINED = 0.1;
/** and of the numbers themselves at most this: 8-bit activations leave a percent. */
const CLOSE = 0.02;
/** As specified: what float32 in another order leaves of an operation's result. */
const SPECIFIED = 1e-5;

/** @param weights  of the model that both should have run; without it, what needs weights is left out */
export async function diagnose(comparison: Comparison, weights?: ModelWeights): Promise<Diagnosed> {
  const { a, b, first, idsDifferAt } = comparison;
  if (comparison.equal) return { guess: undefined, hints: [] };
  const config = weights?.config ?? configOf(a) ?? configOf(b);
  if (idsDifferAt >= 0) return { guess: idsGuess(comparison), hints: [] };
  if (first === undefined) return { guess: undefined, hints: [] };

  const sides: [Side, Side] = [
    { label: "A", run: a, config, weights },
    { label: "B", run: b, config, weights },
  ];
  const guess =
    (await choiceGuess(first, sides)) ??
    nearTieGuess(first) ??
    (await siteGuess(first, sides)) ??
    (await scaleGuess(first, sides)) ??
    precisionGuess(comparison);
  return { guess, hints: guess === undefined ? hintsOf(config, weights, sides) : [] };
}

/** B first, for A is what B is held against; the side whose operation is as specified is not to blame. */
async function siteGuess(first: PointComparison, [a, b]: readonly [Side, Side]): Promise<Diagnosis | undefined> {
  const fits: Candidate[] = [];
  for (const [side, other] of [
    [b, a],
    [a, b],
  ] as const) {
    for (const isInner of [true, false]) {
      const site = await siteOf(first, side, other, isInner);
      const found = site && (await bestHypothesis(side, other, site));
      if (found !== undefined) fits.push(found);
    }
  }
  const best = fits.sort(
    (x, y) => x.fit.rmsRelative / x.specified.rmsRelative - y.fit.rmsRelative / y.specified.rmsRelative,
  )[0];
  if (best === undefined) return undefined;
  const { hypothesis, side, site } = best;
  const { cause, kind, says } = hypothesis;
  const evidence =
    `recomputing ${side.label}'s ${best.fit.point} from its own ${list(site.inputs)} with ${says} gives its numbers ` +
    `to ${formatError(best.fit.maxAbs)}; ${best.isAgainstOther ? `the other run's are` : "as specified they are"} ` +
    `${formatError(best.specified.maxAbs)} apart`;
  return { cause, kind, side: side.label, says, evidence };
}

interface Candidate {
  readonly side: Side;
  readonly site: Site;
  readonly hypothesis: Hypothesis;
  readonly fit: Fit;
  readonly specified: Fit;
  /** The specified result could not be computed, so the other run stands for it. */
  readonly isAgainstOther: boolean;
}

async function bestHypothesis(side: Side, other: Side, site: Site): Promise<Candidate | undefined> {
  const asSpecified = site.specified && (await fitOf(side.run, site.specified(), site.from));
  const specified = asSpecified ?? (await againstOther(side, other, site));
  if (specified === undefined || specified.rmsRelative <= SPECIFIED) return undefined;
  let best: Candidate | undefined;
  for (const hypothesis of site.hypotheses) {
    const found = await fitOf(side.run, hypothesis.compute(), site.from);
    if (found === undefined || found.rmsRelative > CLOSE || found.rmsRelative > EXPLAINED * specified.rmsRelative)
      continue;
    if (best !== undefined && found.rmsRelative >= 0.5 * best.fit.rmsRelative) continue; // the simpler one stands first
    best = { side, site, hypothesis, fit: found, specified, isAgainstOther: asSpecified === undefined };
  }
  return best;
}

async function againstOther(side: Side, other: Side, { hypotheses, from }: Site): Promise<Fit | undefined> {
  for (const name of hypotheses[0]?.compute().keys() ?? []) {
    const rows = hypotheses[0].compute().get(name)?.rows ?? 0;
    const [own, theirs] = await Promise.all([
      readRows(side.run, name, from, rows),
      readRows(other.run, name, from, rows),
    ]);
    if (own === undefined || theirs === undefined || own.cols !== theirs.cols) continue;
    const { maxAbs, rmsRelative } = measureGap(own.data, theirs.data);
    return { point: name, maxAbs, rmsRelative };
  }
  return undefined;
}

/** The operation that gives the point, and what is known of it. */
async function siteOf(
  { name, firstRow, shapeA, shapeB }: PointComparison,
  side: Side,
  other: Side,
  isInner: boolean,
): Promise<Site | undefined> {
  const most = Math.min(shapeA[0], shapeB[0]);
  const from = Math.max(0, firstRow);
  const count = Math.min(ROWS, most - from);
  if (name === FINAL_NORM) return normSite(side, other, name, from, count);
  const place = placeInLayer(name);
  if (place === undefined) return undefined;
  const layer = layerPoint(place.layer, "");
  const { part } = place;
  if (part === "operator_norm" || part === "ffn_norm") return normSite(side, other, name, from, count);
  if (part.startsWith("conv")) return convSite(side, other, layer, from, most, isInner);
  // With weights it is computed from what the projection reads, which also tells which side is mistaken.
  if (/^self_attn\.[qk]_proj$/.test(part) && side.weights === undefined) {
    return projectionSite(side, other, name, from, count);
  }
  if (part.startsWith("self_attn")) return attentionSite(side, other, layer, from, most, isInner);
  const feedForward = `${layer}.feed_forward`;
  if (part.startsWith("feed_forward.gate")) return routerWeightsSite(side, feedForward, from, count);
  return part.startsWith("feed_forward") ? feedForwardSite(side, feedForward, from, count, isInner) : undefined;
}

async function choiceGuess(first: PointComparison, [a, b]: readonly [Side, Side]): Promise<Diagnosis | undefined> {
  if (first.kind !== "ids" || first.router === undefined) return undefined;
  const feedForward = first.name.replace(/\.gate\.experts$/, "");
  const count = Math.min(first.shapeA[0], first.shapeB[0], 4096);
  for (const [side, other] of [
    [b, a],
    [a, b],
  ] as const) {
    const found = await explainChoice(side, other, feedForward, 0, count);
    if (found === undefined) continue;
    const { cause, says, specified, mistaken, inputs } = found;
    const share = (value: number): string => `${Math.round(value * count)} of ${count}`;
    const evidence =
      cause === "wrong-top-k"
        ? `${side.label}'s ${first.name} is [${side.run.points.get(first.name)?.rows}, ${side.run.points.get(first.name)?.cols}]`
        : `choosing from ${side.label}'s own ${list(inputs)} with ${says} gives its experts at ${share(mistaken)} positions` +
          (specified === undefined ? "" : `; as specified at ${share(specified)}`);
    return { cause, kind: "bug", side: side.label, says, evidence };
  }
  return undefined;
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
async function scaleGuess(first: PointComparison, [a, b]: readonly [Side, Side]): Promise<Diagnosis | undefined> {
  const rows = Math.min(first.shapeA[0], first.shapeB[0], ROWS);
  const from = Math.max(0, Math.min(first.firstRow, first.shapeA[0] - rows));
  const [x, y] = await Promise.all([readRows(a.run, first.name, from, rows), readRows(b.run, first.name, from, rows)]);
  if (x === undefined || y === undefined || x.cols !== y.cols) return undefined;
  const square = x.data.reduce((sum, value) => sum + value * value, 0);
  const factor = x.data.reduce((sum, value, i) => sum + value * y.data[i], 0) / square;
  const apart = measureGap(y.data, x.data);
  const scaled = measureGap(
    y.data,
    x.data.map((value) => value * factor),
  );
  if (!(scaled.rmsRelative <= 1e-4 && scaled.rmsRelative <= EXPLAINED * apart.rmsRelative)) return undefined;
  const says = `B's ${first.name} is A's times ${Number(factor.toPrecision(5))}`;
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

/** The config that a recording states, if it is one that can be read. */
function configOf({ about }: RecordedRun): Config | undefined {
  try {
    return about && readConfig(about.config);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

function hintsOf(config: Config | undefined, weights: ModelWeights | undefined, sides: readonly Side[]): string[] {
  const hints: string[] = [];
  if (weights === undefined)
    hints.push("without weights, most operations cannot be computed again: give the model with -m");
  if (config === undefined) hints.push("neither run states its config: give the model with -m");
  const inner = sides.some(({ run }) => ![...run.points.keys()].some((name) => name.endsWith("_rope")));
  if (inner && weights === undefined)
    hints.push("points inside the operators tell more: record q_rope, conv.in_proj and their like");
  return hints;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
