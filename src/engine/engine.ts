// Prefill and decode: ids in, ids out. Works in steps, and yields to its caller between them.
import { Lfm2Error } from "../lfm2-error.ts";
import { lmHead } from "../model/model.ts";
import type { Tensor } from "../ops/ops.ts";
import { type Logprobs, logprobsOf } from "../sampling/logprobs.ts";
import { isAllowed, withoutId } from "../sampling/mask.ts";
import type { SamplingOptions } from "../sampling/options.ts";
import { createSampler } from "../sampling/sampler.ts";
import { checkFinite } from "./finite-logits.ts";
import { advance, type Model, restart, rewind, type Sequence } from "./sequence.ts";
import { countThinking, type ThinkingBudget } from "./thinking-budget.ts";

/** A model and the one sequence it is in the middle of. */
export interface Engine {
  readonly model: Model;
  readonly sequence: Sequence;
  /** Bounds of a step: positions, and rows of logits. */
  readonly maxStep: number;
  readonly maxLogitRows: number;
  /** Of the last long step; decides how long the next one may be. */
  msPerPosition?: number;
}

/** How the caller is heard while work goes on. */
export interface Pace {
  /** Lets messages arrive; rejects when the caller has given up. */
  readonly pause: () => Promise<void>;
  /** Called at every layer, when the caller can be heard without a pause; throws when it has given up. */
  readonly check: (() => void) | undefined;
}

/** An id, prompt or option that this model cannot take. */
export class PromptError extends Lfm2Error {
  override readonly name = "PromptError";
}

/** Milliseconds between two moments at which the caller is heard: less than the promised 200. */
const PATIENCE_MS = 150;
/** Positions of the first step of a model whose speed is not known yet. */
const FIRST_STEP = 16;
/** A step of fewer positions says little of the speed of long ones. Even steps are at least half of a first one. */
const MEASURED_STEP = FIRST_STEP / 2;

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
async function extend(
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
  { model, maxLogitRows }: Engine,
  hidden: Float32Array,
  pace: Pace,
  onRows: (logits: Float32Array) => void,
): Promise<void> {
  const { ops, memory, weights, config } = model;
  const cols = config.hiddenSize;
  const most = Math.min(maxLogitRows, model.maxStep);
  for (let from = 0; from < hidden.length; from += most * cols) {
    await pace.pause();
    const numbers = hidden.subarray(from, from + most * cols);
    memory.release();
    const h = ops.embed(new Int32Array(numbers.length / cols), weights.embedTokens); // room of their shape
    memory.overwrite(h, numbers);
    const carried = memory.carry(h, weights.embeddingNorm);
    onRows(memory.read(lmHead(ops, weights, ops.rmsNorm(carried, weights.embeddingNorm, config.normEps))));
  }
}

/** What may come next, decided anew before every id. */
export interface Constraint {
  /** The ids that may come next, as a mask (see Sampler.next); undefined: all. */
  allowed(): Uint32Array | undefined;
  /** Tells the id that was taken. */
  accept(id: number): void;
}

export interface GenerateOptions {
  readonly sampling: Partial<SamplingOptions>;
  readonly maxTokens: number;
  /** Generation ends after one of these; it is yielded. */
  readonly stopIds: readonly number[];
  readonly constraint?: Constraint;
  /** Closes thoughts that grow too long; where a constraint does not allow that, as soon as it does. */
  readonly thinking?: ThinkingBudget;
  /** How many of the most likely ids `onLogprobs` is told of at every id; undefined: it is not called. */
  readonly topLogprobs?: number;
  /** Called before the id is yielded. */
  readonly onLogprobs?: (logprobs: Logprobs) => void;
}

/** Yields ids one by one, until a stop id, `maxTokens`, or the end of the context. */
export async function* generate(
  engine: Engine,
  ids: readonly number[],
  { sampling, maxTokens, stopIds, constraint, thinking, topLogprobs, onLogprobs }: GenerateOptions,
  pace: Pace,
  onProgress?: (done: number, total: number) => void,
): AsyncGenerator<number, void> {
  const { model, sequence } = engine;
  const sampler = createSampler(model.config.vocabSize, sampling, ids.length);
  const history = [...ids];
  const stops = new Set(stopIds);
  const thought = thinking && countThinking(thinking);
  let logits = await prefill(engine, ids, pace, onProgress);
  for (let count = 1; ; count++) {
    const allowed = constraint?.allowed();
    const forced = thought?.forced();
    // A forced id uses up no random number.
    const isForced = forced !== undefined && (allowed === undefined || isAllowed(allowed, forced));
    const barred = thought?.barred();
    const offered = barred === undefined ? allowed : withoutId(allowed, barred, model.config.vocabSize);
    const id = isForced ? forced : sampler.next(logits, history, offered);
    constraint?.accept(id);
    thought?.accept(id);
    history.push(id);
    if (topLogprobs !== undefined) onLogprobs?.(logprobsOf(logits, id, topLogprobs));
    yield id;
    if (stops.has(id) || count >= maxTokens || sequence.ids.length >= sequence.capacity) return;
    logits = await extend(engine, [id], pace);
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
  const { sequence } = engine;
  const { model, settle } = watched;
  // Heard at every layer, a step may last as long as all its layers may.
  const patience = pace.check === undefined ? PATIENCE_MS : PATIENCE_MS * sequence.layers.length;
  for (let done = 0; done < ids.length; ) {
    await pace.pause();
    const { msPerPosition } = engine;
    const affordable = msPerPosition === undefined ? FIRST_STEP : Math.max(1, Math.floor(patience / msPerPosition));
    const step = Math.min(affordable, limit);
    // Even steps: a short last one would read all the weights for little.
    const left = ids.length - done;
    const piece = ids.slice(done, done + Math.ceil(left / Math.ceil(left / step)));
    const begin = performance.now();
    const h = advance(model, [{ sequence, ids: piece }], { check: pace.check, settle });
    done += piece.length;
    onStep(h, done);
    if (piece.length >= Math.min(MEASURED_STEP, step))
      engine.msPerPosition = (performance.now() - begin) / piece.length;
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
