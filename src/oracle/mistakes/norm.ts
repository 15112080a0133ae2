// RMS norms: another eps or another place for it, other columns, another weight, no norm at all.
import type { Ops, Tensor } from "../../ops/ops.ts";
import { type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { byRow, weightOf, withRows } from "./columns.ts";
import { type Change, inParts, type Mistake, type Scene } from "./mistake.ts";

/** A config has a power of ten; a fit to any number at all would be a fit to any mistake. */
const EPS = [0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2];
const { bug } = inParts("norm", "final norm", "attention");

/** Every run of a row divided by `divisor` instead of the root of its mean square plus eps. */
function dividing(divisor: (run: Float32Array, eps: number) => number): Change {
  return (ops) => ({
    rmsNorm: (x, w, eps) =>
      byRow(ops.rmsNorm(x, w, 0), (normed, t) => {
        const given = rowOf(x as ReferenceTensor, t);
        return normed.map((value, c) => {
          const begin = c - (c % w.cols);
          const run = given.subarray(begin, begin + w.cols);
          return (value * Math.sqrt(meanSquare(run))) / divisor(run, eps);
        });
      }),
  });
}

function meanSquare(run: Float32Array): number {
  return run.reduce((sum, value) => sum + value * value, 0) / run.length;
}

function centred(row: Float32Array): Float32Array {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  return row.map((value) => value - mean);
}

/** Given: the norm is a layer's; `of` gives the path of the vector that takes the place of its weight. */
function otherWeight(cause: string, says: string, of: (path: string) => string): Mistake {
  return inParts("norm").bug(cause, says, (ops, _, { weight }) => ({
    rmsNorm: (x, w, eps) => ops.rmsNorm(x, weight(of(w.path)) ?? w, eps),
  }));
}

/** What the first layer is given, in its norm and in what its operator's result is added to. */
function ofEmbedding(ops: Ops, { layer }: Scene, change: (x: Tensor) => Tensor): Partial<Ops> {
  let isFirst = layer === "model.layers.0";
  return {
    rmsNorm: (x, w, eps) => ops.rmsNorm(w.path === "model.layers.0.operator_norm" ? change(x) : x, w, eps),
    add(a, b) {
      const stream = isFirst ? change(a) : a;
      isFirst = false;
      return ops.add(stream, b);
    },
  };
}

export const normMistakes: readonly Mistake[] = [
  inParts("norm").bug("scaled-embedding", "the embedding times √hidden_size", (ops, { hiddenSize }, scene) =>
    ofEmbedding(ops, scene, (x) => ops.scale(x, Math.sqrt(hiddenSize))),
  ),
  ...EPS.map(
    (normEps): Mistake => ({
      ...{ cause: "wrong-eps", kind: "bug", parts: ["norm", "final norm", "attention"], config: { normEps } },
      says: (config) => `eps ${normEps} instead of ${config.normEps}`,
      isCatchAll: true,
    }),
  ),
  bug(
    "eps-floor",
    "eps as the least mean square",
    dividing((run, eps) => Math.sqrt(Math.max(meanSquare(run), eps))),
  ),
  bug(
    "eps-outside-root",
    "eps added to the root",
    dividing((run, eps) => Math.sqrt(meanSquare(run)) + eps),
  ),
  bug(
    "norm-of-fewer-columns",
    "the sum of squares divided by one less than their number",
    dividing((run, eps) => Math.sqrt((meanSquare(run) * run.length) / (run.length - 1) + eps)),
  ),
  bug(
    "norm-of-half",
    "the mean over every second column",
    dividing((run, eps) => Math.sqrt(meanSquare(run.filter((_, c) => c % 2 === 0)) + eps)),
  ),
  bug(
    "norm-of-half",
    "the mean over the first half of the columns",
    dividing((run, eps) => Math.sqrt(meanSquare(run.subarray(0, run.length / 2)) + eps)),
  ),
  inParts("norm").bug("missing-norm", "no norm", () => ({ rmsNorm: (x) => x })),
  inParts("final norm").bug("missing-final-norm", "no norm after the last layer", () => ({ rmsNorm: (x) => x })),
  inParts("final norm").bug("final-norm-twice", "the norm after the last layer twice", (ops) => ({
    rmsNorm: (x, w, eps) => ops.rmsNorm(ops.rmsNorm(x, w, eps), w, eps),
  })),
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
  otherWeight("swapped-norms", "the weights of operator_norm and ffn_norm exchanged", (path) =>
    path.endsWith("ffn_norm") ? path.replace("ffn_norm", "operator_norm") : path.replace("operator_norm", "ffn_norm"),
  ),
  inParts("norm").bug("embedding-norm-first", "the final norm on the embedding, too", (ops, { normEps }, scene) => {
    const final = scene.weight("model.embedding_norm");
    return ofEmbedding(ops, scene, (x) => (final === undefined ? x : ops.rmsNorm(x, final, normEps)));
  }),
];
