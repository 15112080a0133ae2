// What a sequence leaves behind: keys and values of the attention layers, the last inputs of the convolutions.
import type { StateSpec } from "../ops/backend.ts";
import type { ConvState, KvCache, Ops } from "../ops/ops.ts";
import type { Config } from "./config.ts";

export interface State {
  /** Positions consumed so far; the next token stands at this position. */
  length: number;
  /** Positions whose keys and values are in the caches, not to be written again: more than `length` in a replay only. */
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
 * Goes back to the first `to` of the stored positions. Their keys and values are still there, but convolutions have let
 * go of their past inputs: `length` may become less than `to`, and running the ids from there brings them back exactly.
 *
 * For in a replay from p0 on, a convolution finds zeros before p0, so that its first width − 1 outputs are wrong. All else
 * in a layer concerns a position by itself, or reads keys and values, which are the stored ones. So the inputs of a
 * convolution are right from p0 + Σ (width − 1) over those below it, and what it has to remember at `to`, the last
 * width − 1 of them, is right when p0 = to − Σ (width − 1) over all. From p0 = 0 on nothing is wrong: zeros came before.
 */
export function rewindState(ops: Ops, state: State, to: number): void {
  if (state.length === to && state.stored === to) return;
  const replayed = convStates(state).reduce((sum, { width }) => sum + width - 1, 0);
  resetState(ops, state);
  state.length = Math.max(0, to - replayed);
  state.stored = to;
}
