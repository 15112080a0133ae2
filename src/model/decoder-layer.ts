// One layer: an operator (short convolution or attention), then a feed-forward. A norm comes before each, and the result of
// each is added to the stream.
import type { Angles, Ops, Tensor } from "../ops/ops.ts";
import type { Config } from "./config.ts";
import { sparseExperts } from "./experts.ts";
import { gqa } from "./gqa.ts";
import { mlp } from "./mlp.ts";
import { shortConv } from "./short-conv.ts";
import type { LayerSpans } from "./step.ts";
import type { LayerWeights } from "./weights.ts";

/** h + operator(norm(h)), then the same with the feed-forward: [T, hidden] → [T, hidden]. */
export function decoderLayer(
  ops: Ops,
  config: Config,
  w: LayerWeights,
  spans: LayerSpans,
  angles: Angles,
  h: Tensor,
): Tensor {
  const x = ops.rmsNorm(h, w.operatorNorm, config.normEps); // [T, hidden]
  h = ops.add(h, operator(ops, config, w.operator, spans, angles, x)); // [T, hidden]

  const y = ops.rmsNorm(h, w.ffnNorm, config.normEps); // [T, hidden]
  const { feedForward } = w;
  return ops.add(
    h,
    feedForward.type === "dense" ? mlp(ops, feedForward, y) : sparseExperts(ops, config, feedForward, y),
  );
}

function operator(
  ops: Ops,
  config: Config,
  w: LayerWeights["operator"],
  { conv, attention }: LayerSpans,
  angles: Angles,
  x: Tensor,
): Tensor {
  return w.type === "conv" ? shortConv(ops, w, conv, x) : gqa(ops, config, w, attention, angles, x);
}
