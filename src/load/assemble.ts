// What a backend holds, as a model and its sequences.
import { createSequence, type Model, type Sequence } from "../engine/sequence.ts";
import type { Config } from "../model/config.ts";
import { createWeights } from "../model/weights.ts";
import type { Backend } from "../ops/backend.ts";
import type { Weight } from "../ops/ops.ts";

export interface AssembledModel {
  readonly model: Model;
  /** Empty ones, for as many as the backend has states. */
  readonly sequences: readonly Sequence[];
}

/** @param contextLength  positions of each sequence that the backend has room for */
export function assemble(
  config: Config,
  contextLength: number,
  { ops, memory, weights, states }: Backend,
): AssembledModel {
  const tree = createWeights(config, ({ path }) => weights.get(path)?.weight as Weight);
  const layers = config.numHiddenLayers;
  const sequences = Array.from({ length: states.length / layers }, (_, i) =>
    createSequence(states.slice(i * layers, (i + 1) * layers), contextLength),
  );
  return {
    model: { ops, memory, config, weights: tree, maxStep: longestStep(contextLength, sequences.length) },
    sequences,
  };
}

/** The longest step of a prefill. Longer ones gain little and need working space in proportion. */
export const MAX_STEP = 512;

/** The longest step that rows of so many sequences can fill together. */
export function longestStep(contextLength: number, sequenceCount: number): number {
  return Math.min(MAX_STEP, contextLength * sequenceCount);
}
