// The router: the rules that other models have for scores, choice and weights.
import { exp, log } from "../../float.ts";
import type { Config } from "../../model/config.ts";
import type { ExpertIds, Ops, Tensor, Weight } from "../../ops/ops.ts";
import { type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { byRow, withRows } from "./columns.ts";
import { inParts, type Mistake } from "./mistake.ts";

const { bug, setting } = inParts("router");
/** Experts to a token, in models of this kind. */
const COUNTS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16];

function softmax(row: Float32Array): Float32Array {
  const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = row.map((value) => exp(value - most));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

/** The bias as it meets the scores. */
function biased(cause: string, says: string, change: (ops: Ops, x: Tensor, bias: Weight) => Tensor): Mistake {
  return bug(cause, says, (ops) => ({ addBias: (x, bias) => change(ops, x, bias) }));
}

const rolled = (bias: Weight, by: number): Weight =>
  withRows(bias, (row) => row.map((_, e) => row[(e - by + row.length) % row.length]));

/** The chosen scores divided by something else than their own sum. */
function normalized(cause: string, says: string, change: (ops: Ops, seen: Seen, chosen: Tensor) => Tensor): Mistake {
  return bug(cause, says, (ops) => {
    const seen: { -readonly [K in keyof Seen]?: Seen[K] } = {};
    return {
      sigmoid: (x) => (seen.scores = ops.sigmoid(x)),
      addBias: (x, bias) => (seen.ranked = ops.addBias(x, bias)),
      gather(x, ids) {
        seen.ids = ids;
        return ops.gather(x, ids);
      },
      normalize: (x) => change(ops, seen as Seen, x),
    };
  });
}

interface Seen {
  readonly scores: Tensor;
  readonly ranked?: Tensor;
  readonly ids: ExpertIds;
}

/** Experts of the better groups alone, by the sum of each group's two best. */
function grouped(groups: number): Mistake {
  const chosen = (row: Float32Array): Float32Array => {
    const size = row.length / groups;
    const sums = Array.from({ length: groups }, (_, g) => {
      const [a, b] = [...row.subarray(g * size, (g + 1) * size)].sort((x, y) => y - x);
      return a + b;
    });
    const least = [...sums].sort((x, y) => y - x)[groups / 2 - 1];
    return row.map((score, e) => (sums[Math.floor(e / size)] >= least ? score : Number.NEGATIVE_INFINITY));
  };
  return bug("grouped-experts", `experts of the better half of ${groups} groups alone`, (ops) => ({
    topK: (x, k) => ops.topK(x.cols % groups === 0 && x.cols / groups > 2 ? byRow(x, chosen) : x, k),
  }));
}

const sumOf = (row: Float32Array): number => row.reduce((a, b) => a + b, 0);
const divided = (x: Tensor, by: Tensor): Tensor =>
  byRow(x, (row, t) => row.map((value) => value / sumOf(rowOf(by as ReferenceTensor, t))));

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

const ofSums: readonly Mistake[] = [
  ...[1e-4, 1e-3, 1e-2, 1e-1].map((eps) =>
    normalized("wrong-router-eps", `${eps} added to the sum of the chosen scores`, (ops, _, x) =>
      ops.normalize(x, eps),
    ),
  ),
  normalized("root-of-k", "the chosen scores divided by the root of their number", (ops, _, x) =>
    ops.scale(x, 1 / Math.sqrt(x.cols)),
  ),
  normalized("sum-of-all-scores", "the chosen scores divided by the sum of all", (_, { scores }, x) =>
    divided(x, scores),
  ),
  normalized("softmax-of-chosen", "softmax of the chosen scores", (_, __, x) => byRow(x, softmax)),
  normalized("biased-sum", "the chosen scores divided by the sum of the biased ones", (ops, { ranked, ids }, x) =>
    ranked ? divided(x, ops.gather(ranked, ids)) : x,
  ),
  bug("doubled-routed-scaling", "routed_scaling_factor applied twice", (ops) => ({
    scale: (x, factor) => ops.scale(x, factor * factor),
  })),
  bug("scores-normalized-first", "scores divided by their sum before the bias", (ops) => ({
    sigmoid(x) {
      const scores = ops.sigmoid(x);
      return divided(scores, scores);
    },
  })),
  bug("bias-before-sigmoid", "the bias within the sigmoid", (ops) => {
    let known: Weight | undefined;
    return {
      sigmoid: (x) => lazyTensor(x.rows, x.cols, () => ops.sigmoid(known ? ops.addBias(x, known) : x)),
      addBias(x, bias) {
        known = bias;
        return x;
      },
    };
  }),
];

const ofChoice: readonly Mistake[] = [
  bug("missing-bias", "no bias when choosing", () => ({ addBias: (x) => x })),
  bug("bias-on-logits", "the bias added to the logits", (ops) => {
    let logits: Tensor;
    return {
      sigmoid(x) {
        logits = x;
        return ops.sigmoid(x);
      },
      addBias: (_, bias) => ops.addBias(logits, bias),
    };
  }),
  bug("bias-subtracted", "the bias subtracted", (ops) => ({
    addBias: (x, bias) => ops.scale(ops.addBias(ops.scale(x, -1), bias), -1),
  })),
  biased("bias-doubled", "the bias counted twice", (ops, x, bias) => ops.addBias(ops.addBias(x, bias), bias)),
  biased("bias-shifted", "every expert with the bias of the one before", (ops, x, bias) =>
    ops.addBias(x, rolled(bias, 1)),
  ),
  biased("bias-shifted", "every expert with the bias of the one after", (ops, x, bias) =>
    ops.addBias(x, rolled(bias, -1)),
  ),
  biased("log-sigmoid", "the bias added to the logarithm of the scores", (ops, x, bias) =>
    ops.addBias(
      byRow(x, (row) => row.map((score) => log(score))),
      bias,
    ),
  ),
  ...[2, 4, 8].map(grouped),
  ...COUNTS.map((count) =>
    setting(
      "wrong-top-k",
      (config) => `${count} ${count === 1 ? "expert" : "experts"} to a token instead of ${config.numExpertsPerTok}`,
      { numExpertsPerTok: count },
    ),
  ),
];

function both(a: Mistake, b: Mistake): Mistake {
  const words = ({ says }: Mistake, config: Config): string => (typeof says === "string" ? says : says(config));
  return {
    ...{ ...a, cause: `${a.cause}+${b.cause}`, config: { ...a.config, ...b.config } },
    says: (config) => `${words(a, config)} and ${words(b, config)}`,
    ops(ops, config, steps) {
      const first = { ...ops, ...a.ops?.(ops, config, steps) };
      return { ...first, ...b.ops?.(first, config, steps) };
    },
  };
}

const pairs = ofWeights.flatMap((a, i) => ofWeights.slice(i + 1).map((b) => both(a, b)));

export const routerMistakes: readonly Mistake[] = [...ofWeights, ...ofSums, ...ofChoice, ...pairs];
