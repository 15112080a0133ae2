// What a sequence leaves behind: keys and values of the attention layers, the last inputs of the convolutions.
import type { StateSpec } from "../ops/backend.ts";
import type { ConvState, KvCache, Ops } from "../ops/ops.ts";
import type { Config } from "./config.ts";

export interface State {
  /** Positions consumed so far; the next token stands at this position. */
  length: number;
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
  return { length: 0, capacity, layers };
}

/** Forgets the sequence. Keys and values past `length` are never read, so they stay. */
export function resetState(ops: Ops, state: State): void {
  ops.reset(convStates(state));
  state.length = 0;
}
