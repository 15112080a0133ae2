// LFM2-MoE from token ids to logits: embedding, decoder layers (24 in the 8B models), final norm, head.
import type { Ops, Rotation, Tensor } from "../ops/ops.ts";
import type { Config } from "./config.ts";
import { decoderLayer } from "./decoder-layer.ts";
import { convStates, type State } from "./state.ts";
import type { Weights } from "./weights.ts";

/** All that a forward pass needs besides ids and state. */
export interface Model {
  readonly ops: Ops;
  readonly config: Config;
  readonly weights: Weights;
  /** Of RoPE. */
  readonly rotation: Rotation;
}

/** A sequence would leave the context planned at load. */
export class ContextError extends Error {
  override readonly name = "ContextError";
}

/**
 * Runs the model over `ids`, continuing the sequence in `state`.
 *
 * @param ids    token ids [T], T ≥ 1, each in [0, vocabSize)
 * @param state  KV and convolution state; advanced by T positions once everything has been computed
 * @returns      hidden states after the final norm [T, hidden]; not those of a fresh run before
 *               `state.stored`, where a rewound state is replayed
 * @throws ContextError when state.length + T exceeds state.capacity; state is then unchanged
 * @source LFM2 Technical Report, arXiv 2511.23404; transformers modeling_lfm2_moe.py, Lfm2MoeModel.forward
 */
export function forward(model: Model, state: State, ids: Int32Array): Tensor {
  const { ops, config, weights: w } = model;
  if (state.length + ids.length > state.capacity) {
    throw new ContextError(
      `sequence: expected at most ${state.capacity} positions, found ${state.length + ids.length}. ` +
        "Open the model with a larger contextLength, or send a shorter prompt.",
    );
  }
  let h = ops.embed(ids, w.embedTokens); // [T, hidden]
  for (const [i, layer] of w.layers.entries()) {
    h = ops.carry(h, layer.operatorNorm);
    h = ops.note(layer.path, decoderLayer(model, layer, state.layers[i], h, state));
  }
  h = ops.carry(h, w.embeddingNorm);
  h = ops.rmsNorm(h, w.embeddingNorm, config.normEps);

  ops.commit(convStates(state));
  state.length += ids.length;
  state.stored = Math.max(state.stored, state.length);
  return h;
}

/** Logits [T, vocab] of hidden states [T, hidden]; no scale, no cap. */
export function lmHead({ ops, weights }: Model, h: Tensor): Tensor {
  return ops.note("lm_head", ops.linear(h, weights.lmHead));
}
