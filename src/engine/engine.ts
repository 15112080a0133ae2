// Reading ids in one sequence, by itself. Works in steps, and yields to its caller between them.
import { Lfm2Error } from "../lfm2-error.ts";
import { lmHead } from "../model/model.ts";
import type { Tensor } from "../ops/ops.ts";
import { checkFinite } from "./finite-logits.ts";
import { advance, type Model, restart, rewind, type Sequence } from "./sequence.ts";
import { evenStep, PATIENCE_MS, type Speed } from "./step-length.ts";

/** A model and one sequence that it is in the middle of. */
export interface Engine {
  readonly model: Model;
  /** Another one, and empty, when this one's memory was given to others during a pause. */
  readonly sequence: Sequence;
  /** Bounds of a step: positions, and rows of logits. */
  readonly maxStep: number;
  readonly maxLogitRows: number;
  /** Decides how long the next step may be. */
  readonly speed: Speed;
}

/** How the caller is heard while work goes on. */
export interface Pace {
  /** Lets messages arrive; rejects when the caller has given up. */
  readonly pause: () => Promise<void>;
  /** Called at every layer, when the caller can be heard without a pause; throws when it has given up. */
  readonly check: (() => void) | undefined;
  /** Whether others wait for their turns meanwhile: steps are short then. */
  readonly isShared?: () => boolean;
}

/** An id, prompt or option that this model cannot take. */
export class PromptError extends Lfm2Error {
  override readonly name = "PromptError";
}

/** Checks ids that came from outside. @throws PromptError */
export function checkIds(ids: ArrayLike<number>, vocabSize: number, capacity: number): void {
  if (ids.length === 0) {
    throw new PromptError({
      subject: "prompt",
      expected: "at least one token id",
      found: "none",
      remedy: "Pass at least one id.",
    });
  }
  if (ids.length > capacity) {
    throw new PromptError({
      subject: "prompt",
      expected: `at most ${capacity} token ids (the context planned at load)`,
      found: ids.length,
      remedy: "Shorten it, or open the model with a larger contextLength.",
      options: ["contextLength"],
    });
  }
  for (let i = 0; i < ids.length; i++) {
    if (Number.isInteger(ids[i]) && ids[i] >= 0 && ids[i] < vocabSize) continue;
    throw new PromptError({
      subject: "prompt",
      expected: `token ids in [0, ${vocabSize})`,
      found: `${typeof ids[i] === "number" ? "" : `a ${typeof ids[i]}, `}${String(ids[i])} at index ${i}`,
      remedy: "Encode the text with this model's own tokenizer.",
    });
  }
}

/**
 * Reads `ids`, going on from where they part from what the sequence has read.
 * @param onProgress  told of the ids that had to be run; `total` of them, the others were reused
 * @returns logits after the last id [vocab]
 * @throws LogitsError when one of them is infinite or NaN
 */
export async function prefill(
  engine: Engine,
  ids: readonly number[],
  pace: Pace,
  onProgress?: (done: number, total: number) => void,
): Promise<Float32Array> {
  return extend(engine, ids.slice(reuse(engine, ids)), pace, onProgress);
}

/** Reads `ids` after what the sequence has read. Logits after the last of them. */
export async function extend(
  engine: Engine,
  ids: readonly number[],
  pace: Pace,
  onProgress?: (done: number, total: number) => void,
): Promise<Float32Array> {
  let logits: Float32Array | undefined;
  const { ops, memory, weights, config } = engine.model;
  await inSteps(engine, ids, engine.maxStep, pace, (h, done) => {
    const isLast = done === ids.length;
    const { next } = engine.sequence;
    try {
      // Of the last row the logits tell.
      const others = ops.rows(h, 0, isLast ? h.rows - 1 : h.rows);
      checkFinite("hidden state", memory.read(others), h.cols, next - h.rows);
      if (isLast) {
        logits = memory.read(lmHead(ops, weights, ops.rows(h, h.rows - 1, 1)));
        checkFinite("logits", logits, config.vocabSize, next - 1);
      }
    } catch (error) {
      restart(engine.model, engine.sequence); // nobody is to go on from it
      throw error;
    }
    onProgress?.(done, ids.length);
  });
  return logits as Float32Array;
}

/** Logits after each of `ids`, a few rows at a time: `onRows` gets [rows, vocab]. @throws LogitsError as `prefill` does */
export async function eachLogits(
  engine: Engine,
  ids: readonly number[],
  pace: Pace,
  onRows: (logits: Float32Array, done: number) => void,
): Promise<void> {
  const { model, sequence, maxLogitRows } = engine;
  const { ops, memory, weights, config } = model;
  restart(model, sequence);
  await inSteps(engine, ids, maxLogitRows, pace, (h, done) => {
    const logits = memory.read(lmHead(ops, weights, h));
    checkFinite("logits", logits, config.vocabSize, done - h.rows);
    onRows(logits, done);
  });
}

/**
 * Logits of hidden states before the final norm, which is computed anew: what `lmHead` would say of them. Leaves no trace in
 * the sequence.
 *
 * @param hidden  f32 [rows, hidden], row-major
 */
export async function headOf(
  { model, maxLogitRows }: Pick<Engine, "model" | "maxLogitRows">,
  hidden: Float32Array,
  pace: Pace,
  onRows: (logits: Float32Array) => void,
): Promise<void> {
  const { ops, memory, weights, config } = model;
  const cols = config.hiddenSize;
  for (let from = 0; from < hidden.length; from += maxLogitRows * cols) {
    await pace.pause();
    const numbers = hidden.subarray(from, from + maxLogitRows * cols);
    memory.release();
    const h = ops.embed(new Int32Array(numbers.length / cols), weights.embedTokens); // room of their shape
    memory.overwrite(h, numbers);
    const carried = memory.carry(h, weights.embeddingNorm);
    onRows(memory.read(lmHead(ops, weights, ops.rmsNorm(carried, weights.embeddingNorm, config.normEps))));
  }
}

/**
 * Reads `ids` after what the sequence has read, in steps of at most `limit`, each about as long as the caller's patience;
 * `onStep` gets a step's hidden states [rows, hidden], which live until the next.
 *
 * @param watched  a model whose operations are watched, in place of the engine's own, with LayerWatch's `settle`
 */
export async function inSteps(
  engine: Engine,
  ids: readonly number[],
  limit: number,
  pace: Pace,
  onStep: (h: Tensor, done: number) => void,
  watched: { readonly model: Model; readonly settle?: () => void } = engine,
): Promise<void> {
  let { sequence } = engine;
  const { model, settle } = watched;
  for (let done = 0; done < ids.length; ) {
    await pace.pause();
    if (engine.sequence !== sequence) {
      // Its place was given to others during the pause.
      await inSteps(engine, sequence.ids, engine.maxStep, pace, () => {});
      sequence = engine.sequence;
    }
    // Heard at every layer, a step may last as long as all its layers may.
    const isLong = pace.check !== undefined && !pace.isShared?.();
    const affordable = engine.speed.positionsIn(isLong ? PATIENCE_MS * sequence.layers.length : PATIENCE_MS);
    const step = Math.min(affordable, limit);
    const piece = ids.slice(done, done + evenStep(ids.length - done, step));
    const begin = performance.now();
    const h = advance(model, [{ sequence, ids: piece }], { check: pace.check, settle });
    done += piece.length;
    onStep(h, done);
    engine.speed.measured(piece.length, step, performance.now() - begin);
  }
}

/** Goes back to where `ids` part from what the sequence has read. Which of them is the first to be run. */
function reuse({ model, sequence }: Engine, ids: readonly number[]): number {
  const held = sequence.ids;
  // The last one has to run for its logits, even if it is held.
  const most = Math.min(held.length, ids.length - 1);
  let shared = 0;
  while (shared < most && held[shared] === ids[shared]) shared++;
  rewind(model, sequence, shared);
  return sequence.next;
}
