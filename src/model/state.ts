// What a sequence leaves behind: keys and values of the attention layers, the last inputs of the convolutions.
import type { StateSpec } from "../ops/backend.ts";
import type { ConvState, KvCache, Ops } from "../ops/ops.ts";
import type { Config } from "./config.ts";

export interface State {
  /** Positions consumed so far; the next token stands at this position. */
  length: number;
  /** Positions whose keys and values the caches hold: more than `length` only while a rewound sequence is replayed. */
  stored: number;
  /** Positions the caches hold. */
  readonly capacity: number;
  readonly layers: readonly LayerState[];
}

export type LayerState =
  | { readonly type: "conv"; readonly conv: ConvState }
  | { readonly type: "full_attention"; readonly cache: KvCache };

/** Every convolution's state, for `Ops.commit`. */
export function convStates(state: State): ConvState[] {
  return state.layers.flatMap((layer) => (layer.type === "conv" ? [layer.conv] : []));
}

/** What each layer of a sequence of at most `capacity` positions needs, in layer order. */
export function stateSpecs(config: Config, capacity: number): StateSpec[] {
  return config.layerTypes.map((type, index) => {
    const layer = `model.layers.${index}`;
    return type === "conv"
      ? { type, layer, width: config.convLCache, cols: config.hiddenSize }
      : { type, layer, capacity, cols: config.numKeyValueHeads * config.headDim, headDim: config.headDim };
  });
}

/** An empty sequence over what a backend has reserved for `specs`. */
export function createState(
  specs: readonly StateSpec[],
  reserved: readonly (ConvState | KvCache)[],
  capacity: number,
): State {
  const layers = specs.map(
    ({ type }, i): LayerState =>
      type === "conv" ? { type, conv: reserved[i] as ConvState } : { type, cache: reserved[i] as KvCache },
  );
  return { length: 0, stored: 0, capacity, layers };
}

/** Forgets the sequence. Keys and values past `stored` are never read, so they stay. */
export function resetState(ops: Ops, state: State): void {
  ops.reset(convStates(state));
  state.length = 0;
  state.stored = 0;
}

/**
 * Goes back to the first `to` of the `stored` positions; whoever has the ids goes on from the new `length`, which may be
 * less. Keys and values of every position are still there, but a convolution does not remember what it has let go. It is
 * brought back by running the last positions before `to` again, with empty convolutions, over keys and values as stored.
 *
 * Everything at `to` and after then has the bits it would have had without the detour. What an empty convolution gets
 * wrong are its first width − 1 outputs, since they alone look before the replay. All else that a layer does concerns one
 * position, or reads keys and values of the caches, which are right. So where the layers below are right from position p
 * on, a convolution is right from p + width − 1 on, and all of them, one above the other, from Σ (width − 1) on: where
 * `to` is. A replay from position 0 is right from the beginning, for there the convolutions are empty in truth.
 */
export function rewindState(ops: Ops, state: State, to: number): void {
  if (state.length === to && state.stored === to) return;
  const replayed = convStates(state).reduce((sum, { width }) => sum + width - 1, 0);
  resetState(ops, state);
  state.length = Math.max(0, to - replayed);
  state.stored = to;
}
