// LFM2-MoE from token ids to logits: embedding, decoder layers (24 in the 8B models), final norm, head.
import type { Ops, Tensor, Weight } from "../ops/ops.ts";
import type { Config } from "./config.ts";
import { decoderLayer } from "./decoder-layer.ts";
import { rotationOf } from "./rope.ts";
import type { Step } from "./step.ts";
import type { Weights } from "./weights.ts";

/**
 * Hidden states after the final norm [T, hidden] of a step of T rows. Reads the states in `step`, and adds these rows to
 * them.
 *
 * @param enter  called with the hidden states before every layer and before the final norm, and the first weight used
 *               there: for callers that observe the run or keep the model in several places; by default it does nothing
 * @source LFM2 Technical Report, arXiv 2511.23404; transformers modeling_lfm2_moe.py, Lfm2MoeModel.forward
 */
export function forward(
  ops: Ops,
  config: Config,
  w: Weights,
  step: Step,
  enter = (h: Tensor, _first: Weight): Tensor => h,
): Tensor {
  const angles = ops.angles(step.positions, rotationOf(config)); // [T, headDim / 2], the same in every layer, for q and k
  let h = ops.embed(step.ids, w.embedTokens); // [T, hidden]
  for (const [i, layer] of w.layers.entries()) {
    h = decoderLayer(ops, config, layer, step.layers[i], angles, enter(h, layer.operatorNorm));
  }
  return ops.rmsNorm(enter(h, w.embeddingNorm), w.embeddingNorm, config.normEps);
}

/** Logits [T, vocab] of what `forward` gives [T, hidden]; no scale, no cap. */
export function lmHead(ops: Ops, w: Weights, normed: Tensor): Tensor {
  return ops.linear(normed, w.lmHead);
}
