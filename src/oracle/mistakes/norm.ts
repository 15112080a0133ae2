// RMS norms: another eps, no weight, no norm at all.
import type { Weight } from "../../ops/ops.ts";
import { weightRow } from "../../reference/linear.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { byRow, isWeightKnown, weightOf, withRows } from "./columns.ts";
import { inParts, type Mistake } from "./mistake.ts";

/** A config has a power of ten; a fit to any number at all would be a fit to any mistake. */
const EPS = [0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2];
const { bug } = inParts("norm", "final norm");
const { setting } = inParts("norm", "final norm", "attention");

function centred(row: Float32Array): Float32Array {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  return row.map((value) => value - mean);
}

/** What a row is multiplied by, before the norm's weight. */
function normed(cause: string, says: string, factor: (row: Float32Array, eps: number) => number): Mistake {
  const by = (row: Float32Array, eps: number): Float32Array => {
    const inverse = factor(row, eps);
    return row.map((value) => value * inverse);
  };
  return bug(cause, says, (ops) => ({
    rmsNorm(x, w, eps) {
      if (!isWeightKnown(w)) return ops.rmsNorm(x, w, eps);
      const gain = weightRow(w, 0);
      return byRow(x, (row) => {
        const heads = Array.from({ length: row.length / w.cols }, (_, h) => row.slice(h * w.cols, (h + 1) * w.cols));
        return Float32Array.from(heads.flatMap((head) => [...by(head, eps)].map((value, c) => value * gain[c])));
      });
    },
  }));
}

const meanSquare = (row: Float32Array): number => row.reduce((sum, value) => sum + value * value, 0) / row.length;
const everySecond = (row: Float32Array, from: number): Float32Array => row.filter((_, c) => c % 2 === from);

export const normMistakes: readonly Mistake[] = [
  ...EPS.map((normEps) => setting("wrong-eps", (config) => `eps ${normEps} instead of ${config.normEps}`, { normEps })),
  inParts("norm").bug("missing-norm", "no norm", () => ({ rmsNorm: (x) => x })),
  inParts("final norm").bug("missing-final-norm", "no norm after the last layer", () => ({ rmsNorm: (x) => x })),
  bug("missing-norm-gain", "the norm's weight left out", (ops) => ({
    rmsNorm: (x, { cols }, eps) => ops.rmsNorm(x, weightOf(1, cols, new Float32Array(cols).fill(1)), eps),
  })),
  bug("norm-gain-plus-one", "1 added to the norm's weight", (ops) => ({
    rmsNorm: (x, w, eps) =>
      ops.rmsNorm(
        x,
        withRows(w, (row) => row.map((value) => value + 1)),
        eps,
      ),
  })),
  bug("layer-norm", "the mean subtracted, as LayerNorm does", (ops) => ({
    rmsNorm: (x, w, eps) => ops.rmsNorm(byRow(x, centred), w, eps),
  })),
  normed("eps-outside-root", "eps added to the root", (row, eps) => 1 / (Math.sqrt(meanSquare(row)) + eps)),
  normed("eps-floor", "eps as the least mean square", (row, eps) => 1 / Math.sqrt(Math.max(meanSquare(row), eps))),
  normed("norm-of-fewer-columns", "the sum of squares divided by one less than the columns", (row, eps) => {
    return 1 / Math.sqrt((meanSquare(row) * row.length) / (row.length - 1) + eps);
  }),
  normed("norm-of-half", "the mean square of every second column", (row, eps) => {
    return 1 / Math.sqrt(meanSquare(everySecond(row, 0)) + eps);
  }),
  normed("norm-of-half", "the mean square of the first half of the columns", (row, eps) => {
    return 1 / Math.sqrt(meanSquare(row.subarray(0, row.length / 2)) + eps);
  }),
  inParts("final norm").bug("final-norm-twice", "the norm after the last layer applied twice", (ops) => ({
    rmsNorm: (x, w, eps) => ops.rmsNorm(ops.rmsNorm(x, w, eps), w, eps),
  })),
  inParts("norm").bug("scaled-embedding", "the embedding times √hiddenSize", (ops) => ({
    rmsNorm: (x, w, eps) =>
      ops.rmsNorm(w.path === "model.layers.0.operator_norm" ? ops.scale(x, Math.sqrt(x.cols)) : x, w, eps),
  })),
  bug("swapped-norms", "the weights of a layer's two norms exchanged", (ops) => {
    const gains: Record<string, Weight> = {};
    return {
      rmsNorm(x, w, eps) {
        const [, part] = /\.(operator|ffn)_norm$/.exec(w.path) ?? [];
        if (part === undefined) return ops.rmsNorm(x, w, eps);
        gains[part] = w;
        return lazyTensor(x.rows, x.cols, () => ops.rmsNorm(x, gains[part === "ffn" ? "operator" : "ffn"], eps));
      },
    };
  }),
];
