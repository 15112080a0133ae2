// A model opened to be measured: on this thread, and able to go back at no cost.

import { createAnswer } from "../../engine/answer.ts";
import { type Engine, extend, type Pace, prefill } from "../../engine/engine.ts";
import { openCheckpoint } from "../../formats/open-checkpoint.ts";
import { locateInNode } from "../../index.ts";
import { createEngine, schedulerParts } from "../../load/load.ts";
import type { ModelOptions } from "../../load/model-options.ts";
import type { Settings } from "../../load/settings.ts";
import type { Config } from "../../model/config.ts";
import { stateSpecs } from "../../model/state.ts";
import type { Backend } from "../../ops/backend.ts";
import type { WasmKvCache } from "../../wasm/handles.ts";
import { nodePlatform } from "../../worker/node-platform.ts";
import { loadOn } from "../../worker/platform.ts";
import { randomBlocks } from "../peers/random-blocks.ts";
import { measureAhead } from "./measure-ahead.ts";
import { seededIds } from "./seeded-ids.ts";
import type { Speed, Test } from "./settings.ts";

export interface MeasuredModel {
  readonly settings: Settings;
  /** For weights, state and working space; untouched pages of it cost nothing. */
  readonly reservedBytes: number;
  readonly loadMs: number;
  /** Fills the context up to the test's depth, and runs the test. */
  measure(test: Test, onFill: (done: number, total: number) => void): Promise<Speed>;
}

/** Before the first run that counts: tokens, and time at least, in which the engine optimizes what it runs. */
const WARM_UP_DECODE = 16;
const WARM_UP_MS = 200;

/**
 * How a context gets its positions: `prompt`, by reading a prompt of that length; `cache`, by writing keys and values
 * that look like any others straight into the cache, which takes seconds. Later tokens take the same time over both.
 */
export type Filling = "prompt" | "cache";

export async function openMeasured(
  source: string | undefined,
  options: ModelOptions,
  filling: Filling,
  onLoad: (done: number, total: number) => void,
): Promise<MeasuredModel> {
  const begin = performance.now();
  const { folder, file } = await locateInNode(source);
  const checkpoint = await openCheckpoint(folder, file);
  try {
    const loaded = await loadOn(nodePlatform, checkpoint, options, { onProgress: onLoad });
    const { model, settings, backend } = loaded;
    const caches = cachesOf(model.config, settings.contextLength, backend.states);
    const write = filling === "prompt" ? undefined : (from: number, to: number) => fillCaches(caches, from, to);
    const engine = createEngine(loaded);
    const share = seededIds(2 ** 30, 2);
    return measuredModel(engine, settings, {
      ahead: measureAhead(schedulerParts(loaded), engine.speed, () => share() / 2 ** 30),
      reservedBytes: backend.bytes,
      loadMs: performance.now() - begin,
      write,
    });
  } finally {
    await Promise.all(checkpoint.files.map((opened) => opened.close()));
  }
}

interface MeasuredParts extends Pick<MeasuredModel, "reservedBytes" | "loadMs"> {
  /** Writes keys and values of positions; absent when a prompt does. */
  readonly write: ((from: number, to: number) => void) | undefined;
  readonly ahead: ReturnType<typeof measureAhead>;
}

function measuredModel(
  engine: Engine,
  settings: Settings,
  { reservedBytes, loadMs, write, ahead }: MeasuredParts,
): MeasuredModel {
  const { model, sequence } = engine;
  const { ids } = sequence;
  const random = seededIds(model.config.vocabSize);
  /** The positions that have been filled on purpose. */
  const context: number[] = [];
  const warm = new Set<Test["kind"]>();

  /**
   * Goes back to the first `depth` positions. Their keys and values are still there; the convolutions remember later
   * positions, which changes what the model says, and not how long it takes.
   */
  const stepBack = (depth: number): void => {
    ids.length = 0;
    for (const id of context.slice(0, depth)) ids.push(id);
    sequence.next = depth;
  };

  const fill = async (depth: number, onFill: (done: number, total: number) => void): Promise<void> => {
    const missing = depth - context.length;
    if (missing > 0) {
      stepBack(context.length);
      const before = context.length;
      for (let i = 0; i < missing; i++) context.push(random());
      if (write !== undefined) write(before, depth);
      else await prefill(engine, context, pace, (done) => onFill(before + done, depth));
    }
    stepBack(depth);
  };

  const run = async ({ kind, tokens }: Test): Promise<number> => {
    if (kind === "prefill") {
      const prompt = [...ids, ...Array.from({ length: tokens }, random)];
      const begin = performance.now();
      await prefill(engine, prompt, pace);
      return performance.now() - begin;
    }
    const options = { sampling: { temperature: 0 }, maxTokens: Number.POSITIVE_INFINITY, stopIds: [] };
    const prompt = [...ids, random()];
    const answer = createAnswer(model.config.vocabSize, prompt, options);
    let { id } = answer.next(await prefill(engine, prompt, pace));
    const begin = performance.now();
    for (let count = 0; count < tokens; count++) ({ id } = answer.next(await extend(engine, [id], pace)));
    return performance.now() - begin;
  };

  const warmUp = async (test: Test): Promise<void> => {
    const short = test.kind === "prefill" ? test : { ...test, tokens: Math.min(WARM_UP_DECODE, test.tokens) };
    const begin = performance.now();
    do {
      stepBack(0);
      await run(short);
    } while (performance.now() - begin < WARM_UP_MS);
  };

  return {
    settings,
    reservedBytes,
    loadMs,
    async measure(test, onFill) {
      if (!warm.has(test.kind)) await warmUp(test);
      warm.add(test.kind);
      if (test.right !== undefined) {
        context.length = 0; // its pages are written over
        return ahead(test.tokens, test.right);
      }
      await fill(test.depth, onFill);
      return { tokensPerSecond: (test.tokens / (await run(test))) * 1000 };
    },
  };
}

interface FilledCache {
  readonly cache: WasmKvCache;
  readonly cols: number;
  readonly headDim: number;
}

function cachesOf(config: Config, capacity: number, states: Backend["states"]): FilledCache[] {
  return stateSpecs(config, capacity).flatMap((spec, i) =>
    spec.type === "conv" ? [] : [{ cache: states[i] as WasmKvCache, cols: spec.cols, headDim: spec.headDim }],
  );
}

/** Positions that are written at once. */
const PIECE = 64;

function fillCaches(caches: readonly FilledCache[], from: number, to: number): void {
  for (const { cache, cols, headDim } of caches) {
    const { bank, type, capacity } = cache;
    bank.release();
    const numbers = bank.allocate(Math.min(PIECE, to - from) * cols * 4);
    bank.write(numbers, randomBlocks("F32", Math.min(PIECE, to - from) * cols));
    for (let at = from; at < to; at += PIECE) {
      const rows = Math.min(PIECE, to - at);
      for (const place of [cache.k, cache.v]) {
        bank.kernels.storeKv(type, place, capacity, numbers, rows, cols, headDim, at);
      }
    }
    bank.release();
  }
}

/** As on a model's thread: messages are let in between steps, and an abort is noticed at every layer. */
const pace: Pace = { pause: nodePlatform.nextTurn, check: () => {} };
