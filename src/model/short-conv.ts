// The short convolution, the operator of 18 of the 24 layers: mixes a position with the two before it, gated on both sides.
import type { ConvSpan, Ops, Tensor } from "../ops/ops.ts";
import type { ShortConvWeights } from "./weights.ts";

/** Gated short convolution: out_proj(C ⊙ conv(B ⊙ x)). Causal, depthwise, width conv_L_cache = 3. */
export function shortConv(ops: Ops, w: ShortConvWeights, spans: readonly ConvSpan[], input: Tensor): Tensor {
  const [b, c, x] = ops.split(ops.linear(input, w.inProj), 3); // [T, 3·hidden] → 3 × [T, hidden], stored as B, C, x
  const bx = ops.mul(b, x); // [T, hidden]
  const mixed = ops.causalConv(bx, w.conv, spans); // [T, hidden]; the last width − 1 rows of bx are remembered
  return ops.linear(ops.mul(c, mixed), w.outProj); // [T, hidden]
}
