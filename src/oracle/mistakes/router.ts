// The router: the rules that other models have for scores, choice and weights.
import { exp } from "../../float.ts";
import type { Config } from "../../model/config.ts";
import type { Tensor } from "../../ops/ops.ts";
import { byRow } from "./columns.ts";
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

export const routerMistakes: readonly Mistake[] = [...ofWeights, ...ofChoice, ...pairs];
