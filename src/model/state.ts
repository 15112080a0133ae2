// What the model remembers of a sequence: keys and values of attention layers, and the last inputs of convolutions.
import type { StateSpec } from "../ops/backend.ts";
import type { ConvState, KvCache } from "../ops/ops.ts";
import type { Config } from "./config.ts";

export type LayerState = ConvState | KvCache;

export function isConvState(state: LayerState): state is ConvState {
  return "width" in state;
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
