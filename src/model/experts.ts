// The sparse feed-forward: the same three products as the dense one, with the matrices of the experts that the router chose.
import type { Ops, Tensor } from "../ops/ops.ts";
import type { Config } from "./config.ts";
import { router } from "./router.ts";
import type { SparseWeights } from "./weights.ts";

/** Σ over the chosen experts e, ascending: weightₑ · w2ₑ(silu(w1ₑ x) ⊙ w3ₑ x). The weight multiplies the output. */
export function sparseExperts(ops: Ops, config: Config, w: SparseWeights, x: Tensor): Tensor {
  const { experts, weights } = router(ops, config, w, x);
  const gate = ops.expertLinear(x, w.experts.w1, experts); // [T·k, moeIntermediate]
  const up = ops.expertLinear(x, w.experts.w3, experts); // [T·k, moeIntermediate]
  const y = ops.expertLinear(ops.swiglu(gate, up), w.experts.w2, experts); // [T·k, hidden]
  return ops.weightedSum(y, weights); // [T, hidden]
}
