// The feed-forward, dense or sparse: gate and up exchanged, no activation, weights used otherwise.
import type { Tensor } from "../../ops/ops.ts";
import { createTensor, type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { ones } from "./columns.ts";
import { inParts, type Mistake } from "./mistake.ts";

const { bug } = inParts("feed-forward");

/** x[t] · weights[t, j], one row to each choice [T·k, cols]. */
function weighted(x: Tensor, weights: Tensor): Tensor {
  const { rows, cols: k } = weights;
  return lazyTensor(rows * k, x.cols, () => {
    const y = createTensor(rows * k, x.cols);
    for (let i = 0; i < rows * k; i++) {
      const weight = rowOf(weights as ReferenceTensor, Math.floor(i / k))[i % k];
      rowOf(y, i).set(rowOf(x as ReferenceTensor, Math.floor(i / k)).map((value) => value * weight));
    }
    return y;
  });
}

export const feedForwardMistakes: readonly Mistake[] = [
  bug("swapped-w1-w3", "w1 and w3 exchanged", (ops) => ({ swiglu: (gate, up) => ops.swiglu(up, gate) })),
  bug("missing-activation", "no silu", (ops) => ({ swiglu: (gate, up) => ops.mul(gate, up) })),
  bug("unweighted-experts", "every chosen expert counted once", (ops) => ({
    weightedSum: (x, weights) => ops.weightedSum(x, ones(weights)),
  })),
  bug("weights-on-input", "the weights on what the experts are given instead of what they give", (ops) => {
    let weights: Tensor;
    const keep = (x: Tensor): Tensor => {
      weights = x;
      return x;
    };
    return {
      gather: (x, ids) => keep(ops.gather(x, ids)),
      normalize: (x, eps) => keep(ops.normalize(x, eps)),
      scale: (x, factor) => keep(ops.scale(x, factor)),
      expertLinear: (x, w, ids) => ops.expertLinear(w.path.endsWith(".w2") ? x : weighted(x, weights), w, ids),
      weightedSum: (x, w) => ops.weightedSum(x, ones(w)),
    };
  }),
];
