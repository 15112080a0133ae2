// What the model remembers of a sequence: keys and values of attention layers, and the last inputs of convolutions.
import type { StateSpec } from "../ops/backend.ts";
import type { ConvState, KvCache } from "../ops/ops.ts";
import type { Config } from "./config.ts";

export type LayerState = ConvState | KvCache;

export function isConvState(state: LayerState): state is ConvState {
  return "width" in state;
}

/** Most rows of a step that can be taken back; each takes two times `hiddenSize` numbers in every convolution. */
export const MAX_TAKEN_BACK = 15;

/** What each layer needs, in layer order: for one sequence, and `capacity` positions of keys and values. */
export function stateSpecs(config: Config, capacity: number): StateSpec[] {
  return config.layerTypes.map((type, index) => {
    const layer = `model.layers.${index}`;
    return type === "conv"
      ? { type, layer, width: config.convLCache, cols: config.hiddenSize, spare: MAX_TAKEN_BACK }
      : { type, layer, capacity, cols: config.numKeyValueHeads * config.headDim, headDim: config.headDim };
  });
}

/** The same for several sequences, which share the keys and values: what each further one has of its own comes after. */
export function sharedStateSpecs(config: Config, capacity: number, sequences: number): StateSpec[] {
  const specs = stateSpecs(config, capacity);
  const own = specs.filter(({ type }) => type === "conv");
  return [...specs, ...Array.from({ length: sequences - 1 }, () => own).flat()];
}

/** The states that were made for these, as each sequence's layers. */
export function layersOf<State extends LayerState>(config: Config, states: readonly State[]): State[][] {
  const layers = config.numHiddenLayers;
  const first = states.slice(0, layers);
  const convs = first.filter(isConvState).length;
  const others = convs === 0 ? 0 : (states.length - layers) / convs;
  return [
    first,
    ...Array.from({ length: others }, (_, i) => {
      const own = states.slice(layers + i * convs, layers + (i + 1) * convs);
      return first.map((state) => (isConvState(state) ? (own.shift() as State) : state));
    }),
  ];
}
