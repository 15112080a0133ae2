// Grouped-query attention, the operator of 6 of the 24 layers: four query heads share a key-value head.
import type { Angles, KvSpan, Ops, Tensor } from "../ops/ops.ts";
import type { Config } from "./config.ts";
import type { GqaWeights } from "./weights.ts";

/** out_proj(softmax(q·kᵀ / √headDim)·v), causal. Norm first, RoPE second; v has neither. */
export function gqa(
  ops: Ops,
  config: Config,
  w: GqaWeights,
  spans: readonly KvSpan[],
  angles: Angles,
  x: Tensor,
): Tensor {
  const q = ops.rmsNorm(ops.linear(x, w.qProj), w.qLayernorm, config.normEps); // [T, heads·headDim], per head
  const k = ops.rmsNorm(ops.linear(x, w.kProj), w.kLayernorm, config.normEps); // [T, kvHeads·headDim]
  const v = ops.linear(x, w.vProj); // [T, kvHeads·headDim]

  const mixed = ops.attention(ops.rope(q, angles), ops.rope(k, angles), v, spans, config.headDim); // [T, heads·headDim]
  return ops.linear(mixed, w.outProj); // [T, hidden]
}
