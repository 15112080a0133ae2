// A small bench of the model that the chat uses: tokens per second of prompt and answer, beside the most that memory allows.

import type { LanguageModel, Summary } from "../../api/language-model.ts";
import { seededIds } from "../../bench/product/seeded-ids.ts";
import { nameOf, planTests, type Test } from "../../bench/product/settings.ts";
import { spreadOf } from "../../bench/product/statistics.ts";
import type { ReportedRun } from "../../bench/product/table.ts";
import { formatsOf, tokenTraffic, weightTraffic } from "../../bench/product/traffic.ts";
import { chatSlot, modelTitle } from "../model/models.ts";
import { createReadLimit, type PageReadLimit } from "./read-limit.ts";

export interface Asked {
  /** Tokens of the prompt, and of the answer; 0 leaves one out. */
  readonly prefill: number;
  readonly decode: number;
  readonly rounds: number;
}

export interface Told {
  /** Of all steps. */
  readonly done: number;
  readonly total: number;
  readonly what: string;
  /** What was found so far. */
  readonly run: ReportedRun | undefined;
}

interface Figures {
  readonly test: Test;
  readonly tokensPerSecond: number[];
  readonly ofReadLimit: number[];
}

/** Before the first round: an engine optimizes what it runs. */
const WARM_UP = { prefill: 32, decode: 16 } as const;
/** Of caches that one CPU has today; what is less than this is not read from memory. */
const CACHE_BYTES = 64e6;

/** @throws what the model throws; the signal's reason */
export async function measure(asked: Asked, signal: AbortSignal, tell: (told: Told) => void): Promise<ReportedRun> {
  tell({ done: 0, total: 1, what: "Opening the model", run: undefined });
  const { model } = await chatSlot.get();
  signal.throwIfAborted();
  const { threads, contextLength, kvType } = model.settings;
  const traffic = weightTraffic(model.config, model.checkpoint.tensors);
  const tokenBytes = (test: Test): number => tokenTraffic(model.config, traffic, kvType, test);
  const lists = { prefill: [asked.prefill], decode: [asked.decode], depths: [0], acceptance: [] };
  const { tests, skipped } = planTests(lists, contextLength - 1); // each is followed by a token
  if (skipped.length > 0) {
    const found = skipped.map(nameOf).join(", ");
    throw new Error(
      `A bench of ${modelTitle.peek()}: expected what fits into ${contextLength} positions, found ${found}. Ask for less.`,
    );
  }
  const figures = tests.map((test): Figures => ({ test, tokensPerSecond: [], ofReadLimit: [] }));
  const limits: number[] = [];
  const total = asked.rounds * (tests.length + 1) + 1;
  let done = 0;
  const step = (what: string): void =>
    tell({ done: done++, total, what, run: reported(model, asked.rounds, figures, limits, false) });
  const random = seededIds(model.config.vocabSize, Date.now());
  let limit: PageReadLimit | undefined;
  try {
    step("Warming up");
    for (const kind of ["prefill", "decode"] as const) {
      await speedOf(model, { kind, tokens: WARM_UP[kind], depth: 0 }, random, signal);
    }
    for (let round = 1; round <= asked.rounds; round++) {
      const where = `round ${round} of ${asked.rounds}`;
      step(`${where}: reading memory`);
      limit ??= await createReadLimit(threads, signal);
      const bytesPerSecond = await limit.measure();
      limits.push(bytesPerSecond);
      for (const { test, tokensPerSecond, ofReadLimit } of figures) {
        step(`${where}: ${nameOf(test)}`);
        const speed = await speedOf(model, test, random, signal);
        tokensPerSecond.push(speed);
        if (test.kind === "decode") ofReadLimit.push((speed * tokenBytes(test)) / bytesPerSecond);
      }
    }
  } finally {
    limit?.end();
  }
  return reported(model, asked.rounds, figures, limits, true) as ReportedRun;
}

/** By the clock of the model's thread. */
async function speedOf(
  model: LanguageModel,
  { kind, tokens }: Test,
  random: () => number,
  signal: AbortSignal,
): Promise<number> {
  const prompt = Array.from({ length: kind === "prefill" ? tokens : 1 }, random);
  const maxTokens = kind === "prefill" ? 1 : tokens + 1;
  let found: Summary | undefined;
  const onFinish = (summary: Summary): void => {
    found = summary;
  };
  for await (const _ of model.generate(prompt, { maxTokens, stopIds: [], signal, onFinish }));
  const { prefillMs, decodeMs } = found as Summary;
  return tokens / ((kind === "prefill" ? prefillMs : decodeMs) / 1000);
}

function reported(
  model: LanguageModel,
  rounds: number,
  figures: readonly Figures[],
  limits: readonly number[],
  complete: boolean,
): ReportedRun | undefined {
  if (limits.length === 0) return undefined;
  const { config, checkpoint, settings, memoryBytes } = model;
  const { mode, kernels, threads, kvType } = settings;
  const traffic = weightTraffic(config, checkpoint.tensors);
  const isCached = traffic.total < CACHE_BYTES;
  return {
    model: {
      name: modelTitle.peek(),
      fileBytes: checkpoint.files.reduce((sum, { size }) => sum + size, 0),
      formats: formatsOf(checkpoint.tensors.values()),
      contextLimit: config.maxPositionEmbeddings,
      bytesPerToken: traffic,
    },
    rounds,
    complete,
    readLimits: [{ threads, bytesPerSecond: spreadOf(limits) }],
    rows: figures
      .filter(({ tokensPerSecond }) => tokensPerSecond.length > 0)
      .map(({ test, tokensPerSecond, ofReadLimit }) => ({
        ...{ mode, kernels, threads, kvType, ...test, tokensPerSecond: spreadOf(tokensPerSecond) },
        peakBytes: memoryBytes,
        ...(ofReadLimit.length > 0 && {
          ofReadLimit: spreadOf(ofReadLimit),
          bytesPerToken: tokenTraffic(config, traffic, kvType, test),
        }),
      })),
    notes: isCached
      ? ["What a token reads fits into caches, so that memory is no limit here: use a larger model."]
      : [],
  };
}
