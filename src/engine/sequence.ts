// Sequences and the steps that continue them: what has been read, what is remembered of it, and how to go back.
import { Lfm2Error } from "../lfm2-error.ts";
import type { Config } from "../model/config.ts";
import { forward } from "../model/model.ts";
import { isConvState, type LayerState } from "../model/state.ts";
import { createStep } from "../model/step.ts";
import type { Weights } from "../model/weights.ts";
import type { Memory } from "../ops/backend.ts";
import { type ConvState, type Ops, PAGE, type Tensor } from "../ops/ops.ts";

/** What a step is computed with. */
export interface Model {
  readonly ops: Ops;
  readonly memory: Memory;
  readonly config: Config;
  readonly weights: Weights;
  /** Rows of the longest step that there is working space for. */
  readonly maxStep: number;
}

export interface Sequence {
  /** What it has read: the ids whose keys and values are cached. */
  readonly ids: number[];
  /** Position of the next row: `ids.length`, or less in a replay, which runs the last of `ids` once more. */
  next: number;
  /** How many of the last rows can be taken back: at most those that the last step added. */
  recent: number;
  /** Positions that it may have. */
  readonly capacity: number;
  /** What each layer remembers. */
  readonly layers: readonly LayerState[];
  /** Where the caches have its keys and values, in the order of positions. */
  readonly pages: number[];
}

/** An empty sequence over what a backend has reserved for one, in layer order. */
export function createSequence(layers: readonly LayerState[], capacity: number, pages: number[]): Sequence {
  return { ids: [], next: 0, recent: 0, capacity, layers, pages };
}

/** Pages that so many positions take. */
export function pagesFor(positions: number): number {
  return Math.ceil(positions / PAGE);
}

/** A sequence would leave the context planned at load. */
export class ContextError extends Lfm2Error {
  override readonly name = "ContextError";
}

/** Ids of the vocabulary, and the sequence that they continue. */
export interface Chunk {
  readonly sequence: Sequence;
  readonly ids: ArrayLike<number>;
}

/** Called before every layer of a step, and before the final norm. */
export interface LayerWatch {
  /** Throws to give up the step, which then leaves its sequences as they were. */
  readonly check?: () => void;
  /** Called while the results since the last call are still held, and once more at the end of the step. */
  readonly settle?: () => void;
}

/**
 * Runs one step. Its sequences have read their ids once everything has been computed.
 *
 * @param chunks  in a replay, ids before `sequence.ids.length` are those read before
 * @returns hidden states after the final norm, one chunk's rows after another's [T, hidden], until the next step; rows of
 *          a replay differ from those of a fresh run
 * @throws ContextError when a sequence would leave its capacity, RangeError for chunks that make no step; nothing is
 *         changed then
 */
export function advance(model: Model, chunks: readonly Chunk[], { check, settle }: LayerWatch = {}): Tensor {
  checkChunks(chunks, model.maxStep);
  const { ops, memory, config, weights } = model;
  const step = createStep(
    chunks.map(({ ids, sequence }) => ({
      ids,
      start: sequence.next,
      stored: sequence.ids.length,
      pages: sequence.pages,
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
  let row = 0;
  for (const { sequence, ids } of chunks) {
    const states = convStates(sequence);
    memory.commit(states);
    const end = row + ids.length;
    const fresh = step.ids.subarray(row + sequence.ids.length - sequence.next, end);
    for (const id of fresh) sequence.ids.push(id);
    sequence.recent = Math.min(fresh.length, ...states.map(({ spare }) => spare));
    sequence.next += ids.length;
    row = end;
  }
  return h;
}

function checkChunks(chunks: readonly Chunk[], maxStep: number): void {
  if (chunks.length === 0) throw new RangeError("step: expected at least one sequence, found none.");
  if (new Set(chunks.map(({ sequence }) => sequence)).size < chunks.length) {
    throw new RangeError("step: expected sequences that differ, found one twice. Join its ids into one chunk.");
  }
  const rows = chunks.reduce((sum, { ids }) => sum + ids.length, 0);
  if (rows > maxStep) {
    throw new RangeError(`step: expected at most ${maxStep} rows, found ${rows}. Spread them over several steps.`);
  }
  for (const { sequence, ids } of chunks) {
    checkRoom(sequence, ids.length);
    checkReplay(sequence, ids);
  }
}

function checkRoom({ next, capacity, pages }: Sequence, more: number): void {
  if (next + more <= capacity) {
    if (pagesFor(next + more) <= pages.length) return;
    throw new RangeError(`step: expected ${pagesFor(next + more)} pages for a sequence, found ${pages.length}.`);
  }
  throw new ContextError({
    subject: "sequence",
    expected: `at most ${capacity} positions`,
    found: next + more,
    remedy: "Open the model with a larger contextLength, or send a shorter prompt.",
    options: ["contextLength"],
  });
}

/** Their keys and values are those of the ids read before, and stay. */
function checkReplay({ ids: held, next }: Sequence, ids: ArrayLike<number>): void {
  for (let i = 0; i < ids.length && next + i < held.length; i++) {
    if (ids[i] === held[next + i]) continue;
    throw new RangeError(
      `sequence: expected id ${held[next + i]} at position ${next + i}, as read before, found ${ids[i]}. ` +
        `Rewind to ${next + i} first.`,
    );
  }
}

/** Forgets what was read. Keys and values past `ids` are never read, so they stay. */
export function restart({ memory }: Model, sequence: Sequence): void {
  memory.reset(convStates(sequence));
  sequence.ids.length = 0;
  sequence.next = 0;
  sequence.recent = 0;
}

/**
 * Undoes the last rows of the last step, at no cost: what is remembered is then, to the bit, what it was before them.
 * @throws RangeError for more than `sequence.recent`
 */
export function takeBack({ memory }: Model, sequence: Sequence, rows: number): void {
  if (!Number.isInteger(rows) || rows < 0 || rows > sequence.recent) {
    throw new RangeError(`takeBack: expected a number of rows in [0, ${sequence.recent}], found ${rows}.`);
  }
  memory.takeBack(convStates(sequence), rows);
  sequence.ids.length -= rows;
  sequence.next -= rows;
  sequence.recent -= rows;
}

/**
 * Goes back to the first `to` of the ids read. Their keys and values are still there, but the convolutions' earlier inputs
 * are gone: `next` may be less than `to`, and running the ids between them once more brings those inputs back exactly.
 *
 * This is why. In a replay from position p0, a convolution finds zeros before p0, so its first width − 1 outputs are wrong.
 * Everything else in a layer concerns one position by itself, or reads the stored keys and values. So the inputs of a
 * convolution are right from p0 + Σ (width − 1) over the convolutions below it, and what it has to remember at `to`, its
 * last width − 1 inputs, is right if p0 = to − Σ (width − 1) over all convolutions. From p0 = 0 nothing is wrong, as
 * zeros are what came before.
 */
export function rewind({ memory }: Model, sequence: Sequence, to: number): void {
  const { ids } = sequence;
  if (!Number.isInteger(to) || to < 0 || to > ids.length) {
    throw new RangeError(`rewind: expected a position in [0, ${ids.length}], found ${to}.`);
  }
  if (to === ids.length) return;
  const states = convStates(sequence);
  memory.reset(states);
  ids.length = to;
  sequence.next = Math.max(0, to - reachOf(sequence));
  sequence.recent = 0;
}

/** Positions whose inputs the convolutions of all layers together still see. */
export function reachOf(sequence: Sequence): number {
  return convStates(sequence).reduce((sum, { width }) => sum + width - 1, 0);
}

export function convStates({ layers }: Sequence): ConvState[] {
  return layers.filter(isConvState);
}
