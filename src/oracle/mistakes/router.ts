// The router: the rules that other models have for scores, choice and weights.
import { exp } from "../../float.ts";
import type { Config } from "../../model/config.ts";
import type { Ops, Tensor } from "../../ops/ops.ts";
import { byRow } from "./columns.ts";
import type { Mistake } from "./mistake.ts";

const parts = ["router"] as const;
const COUNTS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16];

function softmax(row: Float32Array): Float32Array {
  const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = row.map((value) => exp(value - most));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

const single: readonly Mistake[] = [
  {
    cause: "softmax-router",
    says: "softmax instead of sigmoid",
    parts,
    source: "mlx-lm's first lfm2_moe.py",
    ops: () => ({ sigmoid: (x) => byRow(x, softmax) }),
  },
  {
    cause: "bias-in-weights",
    says: "the bias in the weights",
    parts,
    source: "mlx-lm's first lfm2_moe.py",
    ops(ops) {
      let ranked: Tensor;
      return {
        addBias(x, bias) {
          ranked = ops.addBias(x, bias);
          return ranked;
        },
        gather: (x, ids) => ops.gather(ranked ?? x, ids),
      };
    },
  },
  {
    cause: "missing-normalization",
    says: "no normalization of the chosen scores",
    parts,
    config: () => ({ normTopkProb: false }),
  },
  {
    cause: "missing-routed-scaling",
    says: "routed_scaling_factor left out",
    parts,
    config: () => ({ routedScalingFactor: 1 }),
  },
  {
    cause: "extra-normalization",
    says: "the chosen scores normalized",
    parts,
    config: () => ({ normTopkProb: true }),
  },
  { cause: "missing-bias", says: "no bias when choosing", parts, ops: () => ({ addBias: (x) => x }) },
  {
    cause: "bias-on-logits",
    says: "the bias added to the logits",
    parts,
    ops(ops) {
      let logits: Tensor;
      return {
        sigmoid(x) {
          logits = x;
          return ops.sigmoid(x);
        },
        addBias: (_, bias) => ops.addBias(logits, bias),
      };
    },
  },
  {
    cause: "bias-subtracted",
    says: "the bias subtracted",
    parts,
    ops: (ops) => ({ addBias: (x, bias) => ops.scale(ops.addBias(ops.scale(x, -1), bias), -1) }),
  },
  ...COUNTS.map(
    (numExpertsPerTok): Mistake => ({
      cause: "wrong-top-k",
      says: (config) =>
        `${numExpertsPerTok} ${numExpertsPerTok === 1 ? "expert" : "experts"} to a token instead of ${config.numExpertsPerTok}`,
      parts,
      config: () => ({ numExpertsPerTok }),
    }),
  ),
];

function both(a: Mistake, b: Mistake): Mistake {
  const words = ({ says }: Mistake, config: Config): string => (typeof says === "string" ? says : says(config));
  return {
    cause: `${a.cause}+${b.cause}`,
    says: (config) => `${words(a, config)} and ${words(b, config)}`,
    parts,
    ops(ops, config, steps) {
      const first: Ops = { ...ops, ...a.ops?.(ops, config, steps) };
      return { ...first, ...b.ops?.(first, config, steps) };
    },
    config: (config) => ({ ...a.config?.(config), ...b.config?.(config) }),
  };
}

const pairs = single.slice(0, 5).flatMap((a, i) => single.slice(i + 1, 5).map((b) => both(a, b)));

export const routerMistakes: readonly Mistake[] = [...single, ...pairs];
