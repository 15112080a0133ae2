// The operator of the other 6 layers: grouped-query attention, four query heads to a key-value head.
import type { KvCache, Tensor } from "../ops/ops.ts";
import type { Model } from "./model.ts";
import type { State } from "./state.ts";
import type { GqaWeights } from "./weights.ts";

/** out_proj(softmax(q·kᵀ / √headDim)·v), causal. Norm first, RoPE second; v has neither. */
export function gqa(model: Model, w: GqaWeights, cache: KvCache, h: Tensor, sequence: State): Tensor {
  const { ops, config, rotation } = model;
  const { length: start, stored } = sequence;
  const q = ops.rmsNorm(ops.linear(h, w.qProj), w.qLayernorm, config.normEps); // [T, heads·headDim], per head
  const k = ops.rmsNorm(ops.linear(h, w.kProj), w.kLayernorm, config.normEps); // [T, kvHeads·headDim]
  const v = ops.linear(h, w.vProj); // [T, kvHeads·headDim]

  const rotatedQ = ops.note(`${w.path}.q_rope`, ops.rope(q, rotation, start));
  const rotatedK = ops.note(`${w.path}.k_rope`, ops.rope(k, rotation, start));
  const mixed = ops.attention(rotatedQ, rotatedK, v, cache, start, config.headDim, stored); // [T, heads·headDim]
  return ops.linear(ops.note(`${w.outProj.path}.input`, mixed), w.outProj); // [T, hidden]
}
