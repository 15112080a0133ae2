// Sequences and the steps that continue them: what has been read, what is remembered of it, and how to go back.
import type { Config } from "../model/config.ts";
import { forward } from "../model/model.ts";
import type { LayerState } from "../model/state.ts";
import { createStep } from "../model/step.ts";
import type { Weights } from "../model/weights.ts";
import type { Memory } from "../ops/backend.ts";
import type { ConvState, Ops, Tensor } from "../ops/ops.ts";

/** What a step is computed with. */
export interface Model {
  readonly ops: Ops;
  readonly memory: Memory;
  readonly config: Config;
  readonly weights: Weights;
}

export interface Sequence {
  /** What it has read; the next id stands at position `ids.length`. */
  readonly ids: number[];
  /** Positions whose keys and values are in the caches, not to be written again: more than `ids` in a replay only. */
  stored: number;
  /** Positions that the caches hold. */
  readonly capacity: number;
  /** What each layer remembers. */
  readonly layers: readonly LayerState[];
}

/** An empty sequence over what a backend has reserved for one, in layer order. */
export function createSequence(layers: readonly LayerState[], capacity: number): Sequence {
  return { ids: [], stored: 0, capacity, layers };
}

/** A sequence would leave the context planned at load. */
export class ContextError extends Error {
  override readonly name = "ContextError";
}

/** Ids, and the sequence that they continue. */
export interface Reading {
  readonly sequence: Sequence;
  readonly ids: ArrayLike<number>;
}

/** Called before every layer of a step, and before the final norm. */
export interface LayerWatch {
  /** Throws to give up the step, which then leaves its sequences as they were. */
  readonly check?: () => void;
  /** While what was computed since the last time is still there; once more at the end. */
  readonly settle?: () => void;
}

/**
 * Runs one step. Its sequences have read their ids once everything has been computed.
 *
 * @param readings  at least one id each, of sequences that differ
 * @returns hidden states after the final norm, one reading's rows after another's [T, hidden], until the next step; not
 *          those of a fresh run before `stored`, where a sequence is replayed
 * @throws ContextError when a sequence would leave its capacity; nothing is changed then
 */
export function advance(model: Model, readings: readonly Reading[], { check, settle }: LayerWatch = {}): Tensor {
  const { ops, memory, config, weights } = model;
  for (const { sequence, ids } of readings) checkRoom(sequence, ids.length);
  const step = createStep(
    readings.map(({ ids, sequence }) => ({
      ids,
      start: sequence.ids.length,
      stored: sequence.stored,
      layers: sequence.layers,
    })),
  );
  memory.release();
  const h = forward(ops, config, weights, step, (h, to) => {
    settle?.();
    // Before anyone gives up, so that no results are left behind.
    const carried = memory.carry(h, to);
    check?.();
    return carried;
  });
  settle?.();
  for (const { sequence, ids } of readings) {
    memory.commit(convStates(sequence));
    for (let i = 0; i < ids.length; i++) sequence.ids.push(ids[i]);
    sequence.stored = Math.max(sequence.stored, sequence.ids.length);
  }
  return h;
}

function checkRoom({ ids, capacity }: Sequence, more: number): void {
  if (ids.length + more <= capacity) return;
  throw new ContextError(
    `sequence: expected at most ${capacity} positions, found ${ids.length + more}. ` +
      "Open the model with a larger contextLength, or send a shorter prompt.",
  );
}

/** Forgets what was read. Keys and values past `stored` are never read, so they stay. */
export function restart({ memory }: Model, sequence: Sequence): void {
  memory.reset(convStates(sequence));
  sequence.ids.length = 0;
  sequence.stored = 0;
}

/**
 * Goes back to the first `to` of the positions read. Their keys and values are still there, but convolutions no longer
 * have their past inputs: fewer ids than `to` may remain, and running the missing ones again restores everything exactly.
 *
 * This is why. In a replay from position p0, a convolution finds zeros before p0, so its first width − 1 outputs are wrong.
 * Everything else in a layer concerns one position by itself, or reads the stored keys and values. So the inputs of a
 * convolution are right from p0 + Σ (width − 1) over the convolutions below it, and what it has to remember at `to`, its
 * last width − 1 inputs, is right if p0 = to − Σ (width − 1) over all convolutions. From p0 = 0 nothing is wrong, as
 * zeros are what came before.
 */
export function rewind({ memory }: Model, sequence: Sequence, to: number): void {
  if (sequence.ids.length === to && sequence.stored === to) return;
  const states = convStates(sequence);
  memory.reset(states);
  const replayed = states.reduce((sum, { width }) => sum + width - 1, 0);
  sequence.ids.length = Math.max(0, to - replayed);
  sequence.stored = to;
}

function convStates({ layers }: Sequence): ConvState[] {
  return layers.filter((state) => "width" in state);
}
