// What a backend holds, as a model and its sequences.
import { createSequence, type Model, pagesFor, type Sequence } from "../engine/sequence.ts";
import type { Config } from "../model/config.ts";
import { type LayerState, layersOf } from "../model/state.ts";
import { createWeights } from "../model/weights.ts";
import type { Backend } from "../ops/backend.ts";
import { PAGE, type Weight } from "../ops/ops.ts";
import { longestStep, type Room } from "./room.ts";

export interface AssembledModel {
  readonly model: Model;
  /** What each sequence that there may be remembers with; keys and values are shared by all. */
  readonly slots: readonly (readonly LayerState[])[];
  /** Of keys and values, for all sequences. */
  readonly pages: number;
  /** Empty ones that divide the pages among themselves: as many as have a whole context. */
  readonly sequences: readonly Sequence[];
}

export function assemble(
  config: Config,
  contextLength: number,
  room: Room,
  { ops, memory, weights, states }: Backend,
): AssembledModel {
  const tree = createWeights(config, ({ path }) => weights.get(path)?.weight as Weight);
  const slots = layersOf(config, states);
  const pages = room.positions / PAGE;
  const each = pagesFor(contextLength);
  const sequences = slots.slice(0, Math.floor(pages / each)).map((layers, i) =>
    createSequence(
      layers,
      contextLength,
      Array.from({ length: each }, (_, page) => i * each + page),
    ),
  );
  const model = { ops, memory, config, weights: tree, maxStep: longestStep(contextLength, room) };
  return { model, slots, pages, sequences };
}
