// The router: the rules that other models have for scores, choice and weights.
import { exp } from "../../float.ts";
import type { ExpertIds, Ops, Tensor, Weight } from "../../ops/ops.ts";
import { type ReferenceExpertIds, type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { ranks } from "./choice-order.ts";
import { byRow, rearranged } from "./columns.ts";
import { inParts, type Mistake, together } from "./mistake.ts";

const { bug, setting } = inParts("router");
/** Experts to a token, in models of this kind. */
const COUNTS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16];

function softmax(row: Float32Array): Float32Array {
  const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = row.map((value) => exp(value - most));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

/** Of scores and weights. The first two were mlx-lm's (ml-explore/mlx-lm#1883), both at once. */
const ofWeights: readonly Mistake[] = [
  bug("softmax-router", "softmax instead of sigmoid", () => ({ sigmoid: (x) => byRow(x, softmax) })),
  bug("bias-in-weights", "the bias in the weights", (ops) => {
    let ranked: Tensor | undefined;
    return {
      addBias(x, bias) {
        ranked = ops.addBias(x, bias);
        return ranked;
      },
      gather: (x, ids) => ops.gather(ranked ?? x, ids),
    };
  }),
  setting("missing-normalization", "no normalization of the chosen scores", { normTopkProb: false }),
  setting("missing-routed-scaling", "routed_scaling_factor left out", { routedScalingFactor: 1 }),
  setting("extra-normalization", "the chosen scores normalized", { normTopkProb: true }),
];

/** Weights made of the chosen scores, [T, k], instead of their part of the sum. */
function normalized(
  cause: string,
  says: string,
  change: (row: Float32Array, all: Float32Array) => Float32Array,
): Mistake {
  return bug(cause, says, (ops) => {
    let scores: Tensor | undefined; // not seen where another mistake gathers
    return {
      gather(x, ids) {
        scores = x;
        return ops.gather(x, ids);
      },
      normalize: (x) => byRow(x, (row, t) => change(row, rowOf((scores ?? x) as ReferenceTensor, t))),
    };
  });
}

type Order = "in the order of their ids" | "in the order of choice";

/** Every choice with the weight of the one `by` places on. */
function misplaced(by: number, order: Order): Mistake {
  const says = `every expert given the weight of the token's ${by > 0 ? "next" : "previous"} expert, ${order}`;
  return bug("weights-of-other-expert", says, (ops, config) => {
    const last = config.routedScalingFactor !== 1 ? "scale" : config.normTopkProb ? "normalize" : "gather";
    const { rank, ...kept } = ranks(ops);
    let experts: ExpertIds | undefined;
    const rolled = (name: string, x: Tensor): Tensor => {
      if (name !== last || experts === undefined) return x;
      const { cols: k } = x;
      const ids = experts as ReferenceExpertIds;
      return byRow(x, (row, t) => {
        const places = order === "in the order of choice" ? rank(ids).slice(t * k, (t + 1) * k) : [...row.keys()];
        return row.map((_, j) => row[places.indexOf((places[j] + by + k) % k)]);
      });
    };
    return {
      ...kept,
      gather(x, ids) {
        experts = ids;
        return rolled("gather", ops.gather(x, ids));
      },
      normalize: (x, eps) => rolled("normalize", ops.normalize(x, eps)),
      scale: (x, factor) => rolled("scale", ops.scale(x, factor)),
    };
  });
}

const sumOf = (row: Float32Array): number => row.reduce((sum, value) => sum + value, 0);
const over = (row: Float32Array, divisor: number): Float32Array => row.map((value) => value / divisor);

const otherWeights: readonly Mistake[] = [
  ...[0, 1e-12, 1e-9, 1e-8, 1e-5, 1e-4, 1e-3, 1e-2].map(
    (eps): Mistake => ({
      ...normalized("wrong-router-eps", `${eps} added to the sum of the chosen scores`, (row) =>
        over(row, sumOf(row) + eps),
      ),
      isCatchAll: true,
    }),
  ),
  normalized("root-of-k", "the chosen scores divided by the root of their number", (row) =>
    over(row, Math.sqrt(row.length)),
  ),
  normalized("sum-of-all-scores", "the chosen scores divided by the sum of all", (row, all) => over(row, sumOf(all))),
  normalized("softmax-of-chosen", "softmax of the chosen scores", softmax),
  bug("biased-sum", "the chosen scores divided by the sum of the biased ones", (ops) => {
    let [ranked, sum]: (Tensor | undefined)[] = [];
    return {
      addBias(x, bias) {
        ranked = ops.addBias(x, bias);
        return ranked;
      },
      gather(x, ids) {
        sum = ranked && ops.gather(ranked, ids);
        return ops.gather(x, ids);
      },
      normalize: (x, eps) => byRow(x, (row, t) => over(row, sumOf(rowOf((sum ?? x) as ReferenceTensor, t)) + eps)),
    };
  }),
  bug("doubled-routed-scaling", "routed_scaling_factor applied twice", (ops) => ({
    scale: (x, factor) => ops.scale(ops.scale(x, factor), factor),
  })),
  ...[1, -1].flatMap((by) => [misplaced(by, "in the order of their ids"), misplaced(by, "in the order of choice")]),
];

/** Experts ranked by something else than score plus bias; what they count stays as it is. */
function ranking(
  cause: string,
  says: string,
  rank: (at: { readonly ops: Ops; readonly logits: Tensor; readonly scores: Tensor; readonly bias: Weight }) => Tensor,
): Mistake {
  return bug(cause, says, (ops) => {
    let logits: Tensor | undefined; // not seen where another mistake computes the scores
    return {
      sigmoid(x) {
        logits = x;
        return ops.sigmoid(x);
      },
      addBias: (scores, bias) => rank({ ops, logits: logits ?? scores, scores, bias }),
    };
  });
}

const rolled = (bias: Weight, by: number): Weight => rearranged(bias, (i) => (i + by + bias.cols) % bias.cols);

/** The bias of the layer `by` after. */
const ofLayer = (by: number): Mistake =>
  bug(
    "bias-of-other-layer",
    `the bias of the layer ${Math.abs(by)} ${by > 0 ? "after" : "before"} it`,
    (ops, _, { weight }) => ({
      addBias: (x, bias) =>
        ops.addBias(x, weight(bias.path.replace(/\.(\d+)\./, (_, layer) => `.${Number(layer) + by}.`)) ?? bias),
    }),
  );

const ofChoice: readonly Mistake[] = [
  ranking("missing-bias", "no bias when choosing", ({ scores }) => scores),
  ranking("bias-on-logits", "the bias added to the logits", ({ ops, logits, bias }) => ops.addBias(logits, bias)),
  ranking("bias-subtracted", "the bias subtracted", ({ ops, scores, bias }) =>
    ops.scale(ops.addBias(ops.scale(scores, -1), bias), -1),
  ),
  ranking("bias-doubled", "the bias counted twice", ({ ops, scores, bias }) =>
    ops.addBias(ops.addBias(scores, bias), bias),
  ),
  ranking("bias-shifted", "every expert with the bias of the one before", ({ ops, scores, bias }) =>
    ops.addBias(scores, rolled(bias, -1)),
  ),
  ranking("bias-shifted", "every expert with the bias of the next", ({ ops, scores, bias }) =>
    ops.addBias(scores, rolled(bias, 1)),
  ),
  ranking("log-sigmoid", "the bias added to the logarithm of the scores", ({ ops, logits, bias }) =>
    ops.addBias(
      byRow(logits, (row) => row.map((x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))))),
      bias,
    ),
  ),
  bug("bias-before-sigmoid", "the bias within the sigmoid, for choice and weights", (ops, _, { weight, layer }) => ({
    sigmoid(x) {
      const bias = weight(`${layer}.feed_forward.expert_bias`);
      return ops.sigmoid(bias === undefined ? x : ops.addBias(x, bias));
    },
    addBias: (x) => x,
  })),
  bug("scores-normalized-first", "scores divided by their sum before the bias", (ops) => ({
    sigmoid: (x) => byRow(ops.sigmoid(x), (row) => over(row, sumOf(row))),
  })),
  ...[2, 4, 8].map((groups) =>
    ranking("grouped-experts", `experts of the better half of ${groups} groups alone`, ({ ops, scores, bias }) =>
      byRow(ops.addBias(scores, bias), (row) => ofBetterGroups(row, groups)),
    ),
  ),
  ...[1, 2, 3, 4, -1, -2, -3, -4].map(ofLayer),
  ...COUNTS.map((count) =>
    setting(
      "wrong-top-k",
      (config) => `${count} ${count === 1 ? "expert" : "experts"} to a token instead of ${config.numExpertsPerTok}`,
      { numExpertsPerTok: count },
    ),
  ),
];

/** DeepSeek's choice: groups ranked by their two best, and half of them out. */
function ofBetterGroups(row: Float32Array, groups: number): Float32Array {
  const size = Math.floor(row.length / groups);
  const best = Array.from({ length: groups }, (_, g) => {
    const sorted = row.slice(g * size, (g + 1) * size).sort();
    return sorted[size - 1] + (sorted[size - 2] ?? 0);
  });
  const order = best.map((_, g) => g).sort((a, b) => best[b] - best[a]);
  const kept = order.slice(0, groups / 2);
  return row.map((value, c) => (kept.includes(Math.floor(c / size)) ? value : Number.NEGATIVE_INFINITY));
}

const pairs = ofWeights.flatMap((a, i) => ofWeights.slice(i + 1).map((b) => together(a, b)));

export const routerMistakes: readonly Mistake[] = [...ofWeights, ...otherWeights, ...ofChoice, ...pairs];
