// The feed-forward, dense or sparse: gate and up exchanged, no activation, weights used otherwise.
import type { Tensor } from "../../ops/ops.ts";
import { type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { filled, tensorOf } from "./columns.ts";
import type { Mistake } from "./mistake.ts";

const parts = ["feed-forward"] as const;
const ones = ({ rows, cols }: Tensor): Tensor => filled(rows, cols, 1);

/** x[t] · weights[t, j], one row to each choice [T·k, cols]. */
function weighted(x: Tensor, weights: Tensor): Tensor {
  const { rows, cols: k } = weights;
  return lazyTensor(rows * k, x.cols, () => {
    const given = Array.from({ length: rows * k }, (_, i) => {
      const weight = rowOf(weights as ReferenceTensor, Math.floor(i / k))[i % k];
      return rowOf(x as ReferenceTensor, Math.floor(i / k)).map((value) => value * weight);
    });
    const data = new Float32Array(rows * k * x.cols);
    for (const [i, row] of given.entries()) data.set(row, i * x.cols);
    return tensorOf(rows * k, x.cols, data);
  });
}

export const feedForwardMistakes: readonly Mistake[] = [
  {
    cause: "swapped-w1-w3",
    says: "w1 and w3 exchanged",
    parts,
    ops: (ops) => ({ swiglu: (gate, up) => ops.swiglu(up, gate) }),
  },
  { cause: "missing-activation", says: "no silu", parts, ops: (ops) => ({ swiglu: (gate, up) => ops.mul(gate, up) }) },
  {
    cause: "unweighted-experts",
    says: "every chosen expert counted once",
    parts,
    ops: (ops) => ({ weightedSum: (x, weights) => ops.weightedSum(x, ones(weights)) }),
  },
  {
    cause: "weights-on-input",
    says: "the weights on what the experts are given instead of what they give",
    parts,
    ops(ops) {
      let weights: Tensor;
      const keep = (x: Tensor): Tensor => {
        weights = x;
        return x;
      };
      return {
        gather: (x, ids) => keep(ops.gather(x, ids)),
        normalize: (x, eps) => keep(ops.normalize(x, eps)),
        scale: (x, factor) => keep(ops.scale(x, factor)),
        expertLinear: (x, w, experts) =>
          ops.expertLinear(w.path.endsWith(".w2") ? x : weighted(x, weights), w, experts),
        weightedSum: (x, w) => ops.weightedSum(x, ones(w)),
      };
    },
  },
];
