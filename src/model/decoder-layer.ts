// One of the layers: a token mixer (short convolution or attention), then a feed-forward, each after a norm and added.
import type { Tensor } from "../ops/ops.ts";
import { sparseExperts } from "./experts.ts";
import { gqa } from "./gqa.ts";
import { mlp } from "./mlp.ts";
import type { Model } from "./model.ts";
import { shortConv } from "./short-conv.ts";
import type { LayerState, State } from "./state.ts";
import type { LayerWeights } from "./weights.ts";

/** h + operator(norm(h)), then the same with the feed-forward: [T, hidden] → [T, hidden]. */
export function decoderLayer(model: Model, w: LayerWeights, state: LayerState, h: Tensor, sequence: State): Tensor {
  const { ops, config } = model;

  const x = ops.rmsNorm(h, w.operatorNorm, config.normEps); // [T, hidden]
  h = ops.add(h, operator(model, w.operator, state, x, sequence));

  const y = ops.rmsNorm(h, w.ffnNorm, config.normEps); // [T, hidden]
  const ff = w.feedForward.type === "dense" ? mlp(ops, w.feedForward, y) : sparseExperts(model, w.feedForward, y);
  return ops.add(h, ops.note(w.feedForward.path, ff));
}

function operator(model: Model, w: LayerWeights["operator"], state: LayerState, x: Tensor, sequence: State): Tensor {
  if (w.type === "conv" && state.type === "conv") {
    return model.ops.note(w.path, shortConv(model.ops, w, state.conv, x));
  }
  if (w.type === "full_attention" && state.type === "full_attention") {
    return model.ops.note(w.path, gqa(model, w, state.cache, x, sequence));
  }
  throw new TypeError(`${w.path}: the state of this layer is for "${state.type}", its weights are for "${w.type}".`);
}
