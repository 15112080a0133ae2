// The router: what its scores, choice and weights would be by the rules other models have.
import { exp } from "../../float.ts";
import { ROUTER_EPS } from "../../model/router.ts";
import { sigmoidOf } from "../../reference/elementwise.ts";
import type { ReferenceTensor } from "../../reference/tensor.ts";
import { tracedBias } from "../compare/compare.ts";
import { type Hypothesis, type Results, readRows, type Side, type Site, tensorOf } from "./hypothesis.ts";

interface Rule {
  readonly score: "sigmoid" | "softmax";
  /** Whether the bias is part of what the experts count, too. */
  readonly biased: boolean;
  readonly normalized: boolean;
  readonly factor: number;
}

const mistakes: readonly (readonly [cause: string, says: string, change: (rule: Rule) => Partial<Rule>])[] = [
  ["softmax-router", "softmax instead of sigmoid", () => ({ score: "softmax" })],
  ["bias-in-weights", "the bias in the weights", () => ({ biased: true })],
  ["missing-normalization", "no normalization of the chosen scores", () => ({ normalized: false })],
  ["missing-routed-scaling", "routed_scaling_factor left out", () => ({ factor: 1 })],
  ["extra-normalization", "the chosen scores normalized", () => ({ normalized: true })],
];

/** Weights from logits and the experts that were chosen. No weight of the model is needed but the bias. */
export async function routerWeightsSite(
  side: Side,
  feedForward: string,
  from: number,
  count: number,
): Promise<Site | undefined> {
  const name = `${feedForward}.gate.weights`;
  const logits = await readRows(side.run, `${feedForward}.gate.logits`, from, count);
  const chosen = await readExperts(side, feedForward, from, count);
  if (logits === undefined || chosen === undefined) return undefined;
  const bias = await biasOf(side, feedForward);
  const { config } = side;
  const right: Rule = {
    score: "sigmoid",
    biased: false,
    normalized: config?.normTopkProb ?? true,
    factor: config?.routedScalingFactor ?? 1,
  };
  const results = (rule: Rule): Results => new Map([[name, weights(logits, chosen.ids, chosen.k, rule, bias)]]);
  const changes = mistakes.filter(([cause, , change]) => {
    const changed = { ...right, ...change(right) };
    const isOther = Object.keys(right).some((key) => changed[key as keyof Rule] !== right[key as keyof Rule]);
    return isOther && (cause !== "bias-in-weights" || bias !== undefined);
  });
  // One mistake, then two at once: mlx-lm's first router had softmax and the bias.
  const sets = [
    ...changes.map((one) => [one]),
    ...changes.flatMap((one, i) => changes.slice(i + 1).map((two) => [one, two])),
  ];
  const hypotheses = sets.map((set): Hypothesis => {
    const rule: Rule = Object.assign({ ...right }, ...set.map(([, , change]) => change(right)));
    const says = set.map(([, words]) => words).join(" and ");
    return { cause: set.map(([cause]) => cause).join("+"), says, kind: "bug", compute: () => results(rule) };
  });
  const inputs = [`${feedForward}.gate.logits`, `${feedForward}.gate.experts`];
  return { inputs, from, specified: () => results(right), hypotheses };
}

function weights(
  logits: ReferenceTensor,
  ids: Int32Array,
  k: number,
  { score, biased, normalized, factor }: Rule,
  bias: Float32Array | undefined,
): ReferenceTensor {
  const data = new Float32Array(ids.length);
  for (let t = 0; t < logits.rows; t++) {
    const row = logits.data.subarray(t * logits.cols, (t + 1) * logits.cols);
    const scores = score === "sigmoid" ? row.map(sigmoidOf) : softmax(row);
    let sum = 0;
    for (let j = 0; j < k; j++) {
      const id = ids[t * k + j];
      data[t * k + j] = scores[id] + (biased ? (bias?.[id] ?? 0) : 0);
      sum += data[t * k + j];
    }
    for (let j = 0; j < k; j++) data[t * k + j] *= factor / (normalized ? sum + ROUTER_EPS : 1);
  }
  return tensorOf(logits.rows, k, data);
}

function softmax(row: Float32Array): Float32Array {
  const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = row.map((value) => exp(value - most));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

export interface ChoiceFit {
  readonly cause: string;
  readonly says: string;
  /** Share of the positions whose experts the rule gives: as specified, and with the mistake. */
  readonly specified: number | undefined;
  readonly mistaken: number;
  readonly inputs: readonly string[];
}

/** A rule that chooses the experts this side chose, where the specified one does not. */
export async function explainChoice(
  side: Side,
  other: Side,
  feedForward: string,
  from: number,
  count: number,
): Promise<ChoiceFit | undefined> {
  const logits = await readRows(side.run, `${feedForward}.gate.logits`, from, count);
  const chosen = await readExperts(side, feedForward, from, count);
  const theirs = await readExperts(other, feedForward, from, count);
  if (logits === undefined || chosen === undefined) return undefined;
  const { k } = chosen;
  const bias = (await biasOf(side, feedForward)) ?? (await biasOf(other, feedForward));
  const inputs = [`${feedForward}.gate.logits`];
  const share = (ranked: (row: Float32Array) => Float32Array): number => sharedRows(logits, chosen.ids, k, ranked);
  const add = (scores: Float32Array, sign: number): Float32Array => scores.map((s, id) => s + sign * (bias?.[id] ?? 0));
  const specified = bias && share((row) => add(row.map(sigmoidOf), 1));

  const expected = side.config?.numExpertsPerTok ?? theirs?.k;
  if (expected !== undefined && expected !== k) {
    return {
      cause: "wrong-top-k",
      says: `${k} ${k === 1 ? "expert" : "experts"} to a token instead of ${expected}`,
      specified: 0,
      mistaken: specified ?? 1,
      inputs,
    };
  }
  if (specified !== undefined && specified > 0.9) return undefined;
  const rules = [
    { cause: "missing-bias", says: "no bias when choosing", mistaken: share((row) => row) },
    ...(bias === undefined
      ? []
      : [
          {
            cause: "softmax-router",
            says: "softmax instead of sigmoid",
            mistaken: share((row) => add(softmax(row), 1)),
          },
          { cause: "bias-on-logits", says: "the bias added to the logits", mistaken: share((row) => add(row, 1)) },
          {
            cause: "bias-subtracted",
            says: "the bias subtracted",
            mistaken: share((row) => add(row.map(sigmoidOf), -1)),
          },
        ]),
  ];
  const best = rules.reduce((a, b) => (b.mistaken > a.mistaken ? b : a));
  return best.mistaken > 0.98 && best.mistaken > (specified ?? 0) ? { ...best, specified, inputs } : undefined;
}

/** The share of rows whose k highest are the ones that were chosen. */
function sharedRows(
  logits: ReferenceTensor,
  ids: Int32Array,
  k: number,
  ranked: (row: Float32Array) => Float32Array,
): number {
  let same = 0;
  for (let t = 0; t < logits.rows; t++) {
    const values = ranked(logits.data.subarray(t * logits.cols, (t + 1) * logits.cols));
    const chosen = ids.subarray(t * k, (t + 1) * k);
    const least = chosen.reduce((most, id) => Math.min(most, values[id]), Number.POSITIVE_INFINITY);
    if (!values.some((value, id) => value > least && !chosen.includes(id))) same++;
  }
  return same / logits.rows;
}

export async function readExperts({ run }: Side, feedForward: string, from: number, count: number) {
  const point = run.points.get(`${feedForward}.gate.experts`);
  if (point === undefined || from + count > point.rows) return undefined;
  return { ids: (await point.read(from, count)) as Int32Array, k: point.cols };
}

async function biasOf(side: Side, feedForward: string): Promise<Float32Array | undefined> {
  const traced = await tracedBias(side.run, feedForward);
  if (traced !== undefined) return traced;
  if (side.config?.useExpertBias === false) return new Float32Array();
  return side.weights?.numbers(`${feedForward}.expert_bias`);
}
