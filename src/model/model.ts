// LFM2-MoE from token ids to logits: embedding, decoder layers (24 in the 8B models), final norm, head.
import type { Ops, Tensor, Weight } from "../ops/ops.ts";
import type { Config } from "./config.ts";
import { decoderLayer } from "./decoder-layer.ts";
import { rotationOf } from "./rope.ts";
import type { Step } from "./step.ts";
import type { Weights } from "./weights.ts";

/**
 * Hidden states after the final norm [T, hidden] of a step of T rows. The states in `step` are read, and written for the
 * rows that follow.
 *
 * @param handOver  takes the stream to the next part of the model, whose first weight is `to`; nothing to do by default
 * @source LFM2 Technical Report, arXiv 2511.23404; transformers modeling_lfm2_moe.py, Lfm2MoeModel.forward
 */
export function forward(
  ops: Ops,
  config: Config,
  w: Weights,
  step: Step,
  handOver = (h: Tensor, _to: Weight): Tensor => h,
): Tensor {
  const angles = ops.angles(step.positions, rotationOf(config)); // the same in every layer, for q and k
  let h = ops.embed(step.ids, w.embedTokens); // [T, hidden]
  for (const [i, layer] of w.layers.entries()) {
    h = decoderLayer(ops, config, layer, step.layers[i], angles, handOver(h, layer.operatorNorm));
  }
  return ops.rmsNorm(handOver(h, w.embeddingNorm), w.embeddingNorm, config.normEps);
}

/** Logits [T, vocab] of hidden states [T, hidden]; no scale, no cap. */
export function lmHead(ops: Ops, w: Weights, h: Tensor): Tensor {
  return ops.linear(h, w.lmHead);
}
