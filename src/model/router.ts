// Which experts compute a token, and how much each of them counts.
//
// With a mistake here, answers stay plausible. From 2025 until its pull request 1354 of June 2026, mlx-lm took softmax scores,
// left the bias in the weights and left out the scaling factor. mlx-swift-lm copied this (its pull request 332 mends it).
import type { ExpertIds, Ops, Tensor } from "../ops/ops.ts";
import type { Config } from "./config.ts";
import type { SparseWeights } from "./weights.ts";

/** Added to the sum of the chosen scores before dividing by it. @source modeling_lfm2_moe.py, route_tokens_to_experts */
export const ROUTER_EPS = 1e-6;

export interface Routing {
  readonly experts: ExpertIds; // [T, k], ascending
  readonly weights: Tensor; // [T, k], in the same order
}

/** Sigmoid, not softmax: scores are independent, and the chosen ones are normalized among themselves. */
export function router(ops: Ops, config: Config, w: SparseWeights, x: Tensor): Routing {
  const scores = ops.sigmoid(ops.linear(x, w.gate)); // [T, numExperts], each in (0, 1)

  // The bias decides who is chosen, never how much they count.
  const ranked = w.expertBias === undefined ? scores : ops.addBias(scores, w.expertBias);
  const experts = ops.topK(ranked, config.numExpertsPerTok); // [T, k]

  let weights = ops.gather(scores, experts); // [T, k], without the bias
  if (config.normTopkProb) weights = ops.normalize(weights, ROUTER_EPS);
  if (config.routedScalingFactor !== 1) weights = ops.scale(weights, config.routedScalingFactor);
  return { experts, weights };
}
