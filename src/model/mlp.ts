// The dense feed-forward of the first layers, and of every layer of the dense siblings.
import type { Ops, Tensor } from "../ops/ops.ts";
import type { MlpWeights } from "./weights.ts";

/** SwiGLU: w2(silu(w1 x) ⊙ w3 x). */
export function mlp(ops: Ops, w: MlpWeights, x: Tensor): Tensor {
  const gate = ops.linear(x, w.w1); // [T, intermediate]
  const up = ops.linear(x, w.w3); // [T, intermediate]
  return ops.linear(ops.swiglu(gate, up), w.w2); // [T, hidden]
}
