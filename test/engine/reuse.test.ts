// The beginning that two prompts share: kept, and gone on from with the bits of a run from nothing.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Engine, generate, type Pace, prefill } from "../../src/engine/engine.ts";
import { restart } from "../../src/engine/sequence.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { createEngine } from "../../src/load/load.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import type { Backend } from "../../src/ops/backend.ts";
import { synthesize } from "../../src/synth/synthesize.ts";
import { load, open } from "../model/run.ts";
import { written } from "../quantize/collect.ts";

const patient: Pace = { pause: async () => {}, check: undefined };

/** Six convolutions of width 4, attention between them and above: a replay is 18 positions. */
const config = {
  model_type: "lfm2_moe",
  vocab_size: 320,
  hidden_size: 64,
  intermediate_size: 64,
  moe_intermediate_size: 32,
  num_hidden_layers: 9,
  num_dense_layers: 2,
  num_experts: 4,
  num_experts_per_tok: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  conv_L_cache: 4,
  layer_types: ["conv", "conv", "full_attention", "conv", "full_attention", "conv", "conv", "conv", "full_attention"],
  max_position_embeddings: 1024,
};
const REPLAY = 18;
const file = written((sink) => synthesize(config, sink, { type: "Q8_0", name: "many convolutions", seed: 5 }));

interface Counted extends Engine {
  readonly backend: Backend;
  readonly steps: number[];
}

async function counted(options: ModelOptions, checkpoint: Promise<Checkpoint>): Promise<Counted> {
  const loaded = await load(await checkpoint, { contextLength: 384, ...options });
  const { model, backend } = loaded;
  const steps: number[] = [];
  const ops: typeof model.ops = Object.create(model.ops);
  ops.embed = (ids, w) => {
    steps.push(ids.length);
    return model.ops.embed(ids, w);
  };
  return { ...createEngine(loaded), model: { ...model, ops }, backend, maxStep: 64, steps };
}

/**
 * The model of many convolutions, with taps that are largest where they look back furthest: what the first convolution
 * saw 18 positions ago is then in the logits, and not rounded away.
 */
async function forgetful(options: ModelOptions): Promise<Counted> {
  const made = await counted(options, open("", { name: "a.gguf", bytes: await file }));
  for (const [path, { weight, write }] of made.backend.weights) {
    if (!path.endsWith("conv.conv")) continue;
    const taps = Float32Array.from({ length: weight.rows * 4 }, (_, i) => [4, 1, -1, 1][i % 4] * (1 + (i % 7)));
    write(0, new Uint8Array(taps.buffer));
  }
  return made;
}

const total = (steps: readonly number[]) => steps.reduce((sum, step) => sum + step, 0);

/** Logits after `ids`, from an empty sequence. */
async function fresh(used: Engine, ids: readonly number[]): Promise<Float32Array> {
  restart(used.model, used.sequence);
  return prefill(used, ids, patient);
}

/** Where a prompt leaves the one before it, what it goes on with, in steps of how many, and when it is given up. */
interface Turn {
  readonly cut: number;
  readonly ids: readonly number[];
  readonly maxStep: number;
  readonly giveUpAt: number | undefined;
}

const turns: fc.Arbitrary<Turn[]> = fc.array(
  fc.record({
    cut: fc.oneof(fc.nat(100), fc.constant(1000)),
    ids: fc.array(fc.nat(319), { minLength: 1, maxLength: 60 }),
    maxStep: fc.constantFrom(1, 3, 7, 16, 64),
    giveUpAt: fc.option(fc.integer({ min: 1, max: 60 }), { freq: 3, nil: undefined }),
  }),
  { minLength: 2, maxLength: 5 },
);

const modes: ModelOptions[] = (["f32", "f16", "int8"] as const).flatMap((kvType) => [
  { backend: "reference", kvType },
  { mode: "exact", kvType },
  { mode: "int8", kvType },
]);

describe.each(modes)("a prompt that shares a beginning with the one before, %o", (options) => {
  it("gives the bits of a fresh run, wherever they part, turn after turn, in any steps, given up or not", async () => {
    const [used, other] = await Promise.all([forgetful(options), forgetful(options)]);
    await fc.assert(
      fc.asyncProperty(turns, async (conversation) => {
        let prompt: readonly number[] = [];
        for (const { cut, ids, maxStep, giveUpAt } of conversation) {
          prompt = [...prompt.slice(0, cut), ...ids];
          let layers = 0;
          const check = (): void => {
            if (++layers === giveUpAt) throw new DOMException("given up", "AbortError");
          };
          const run = { ...used, maxStep };
          const logits = await prefill(run, prompt, { ...patient, check }).catch(() => undefined);
          const held = used.sequence.ids;
          expect(held).toEqual(prompt.slice(0, held.length));
          if (logits === undefined) continue;
          expect(held.length).toBe(prompt.length);
          expect(logits).toEqual(await fresh(other, prompt));
        }
      }),
      { numRuns: 10 },
    );
  });

  it("gives the bits of a fresh run behind a cut at, before and after the reach of the convolutions", async () => {
    const [used, other] = await Promise.all([forgetful(options), forgetful(options)]);
    const ids = Array.from({ length: 70 }, (_, i) => (i * i * 7) % 320);
    for (const cut of [69, 50, REPLAY + 1, REPLAY, REPLAY - 1, 1, 0]) {
      await fresh(used, ids);
      const prompt = [...ids.slice(0, cut), 319];
      expect(await prefill(used, prompt, patient)).toEqual(await fresh(other, prompt));
    }
  });
});

describe("prefill", () => {
  it("runs what is new, and behind a cut as many positions as the convolutions reach", async () => {
    const used = await forgetful({ mode: "int8" });
    const ids = Array.from({ length: 100 }, (_, i) => (i * 7) % 320);
    const run = async (prompt: readonly number[]): Promise<number> => {
      used.steps.length = 0;
      const seen: [number, number][] = [];
      await prefill(used, prompt, patient, (done, all) => seen.push([done, all]));
      expect(seen.at(-1)).toEqual([total(used.steps), total(used.steps)]);
      return total(used.steps);
    };
    expect(await run(ids)).toBe(100);
    expect(await run([...ids, 1, 2, 3])).toBe(3);
    expect(await run(ids)).toBe(1 + REPLAY);
    expect(await run([...ids.slice(0, 50), 300, 301])).toBe(2 + REPLAY);
    expect(await run([...ids.slice(0, 50), 300, 301, 302])).toBe(1);
    expect(await run([...ids.slice(0, 20), 300])).toBe(1 + REPLAY);
    expect(await run([...ids.slice(0, REPLAY), 300])).toBe(1 + REPLAY);
    expect(await run([...ids.slice(0, 5), 301])).toBe(6);
    expect(await run([300])).toBe(1);
    expect(await run([300])).toBe(1);
  });
});

describe("a replay that is given up", () => {
  it("can be followed by any prompt: one that ends where it stopped, the same again, another", async () => {
    const [used, other] = await Promise.all([forgetful({ mode: "exact" }), forgetful({ mode: "exact" })]);
    const ids = Array.from({ length: 70 }, (_, i) => (i * i * 7) % 320);
    const cut = [...ids.slice(0, 50), 300, 301];
    const followers = [
      (at: number) => [...ids.slice(0, at), 302],
      (at: number) => ids.slice(0, at + 1),
      (at: number) => ids.slice(0, at),
      () => cut,
      () => ids,
      () => [1, 2, 3],
    ];
    for (const follow of followers) {
      await fresh(used, ids);
      const run = { ...used, maxStep: 5 };
      let pauses = 0;
      const pause = async (): Promise<void> => {
        if (++pauses === 3) throw new DOMException("given up", "AbortError");
      };
      await expect(prefill(run, cut, { ...patient, pause })).rejects.toThrow("given up");
      const { next: length } = run.sequence;
      expect(length).toBeGreaterThan(50 - REPLAY);
      expect(length).toBeLessThan(50);
      expect(run.sequence.ids).toEqual(ids.slice(0, 50));
      expect(await prefill(run, follow(length), patient)).toEqual(await fresh(other, follow(length)));
    }
  });
});

describe("the embedded model", () => {
  const nano = () => open("nano", "lfm2-nano-Q4_0.gguf");
  const HELLO = [1, 6, 330, 214, 55, 746, 94, 16, 7, 214, 6, 335, 214];

  it.each(["exact", "int8"] as const)("goes on from within what it said itself, %s", async (mode) => {
    const used = await counted({ mode }, nano());
    const other = await counted({ mode }, nano());
    const said: number[] = [];
    const options = { sampling: { temperature: 0 }, maxTokens: 120, stopIds: [] };
    for await (const id of generate(used, HELLO, options, patient)) said.push(id);
    for (const kept of [100, 70, 36, 20, 0]) {
      const prompt = [...HELLO, ...said.slice(0, kept), 6, 330, 214];
      used.steps.length = 0;
      const have = await prefill(used, prompt, patient);
      expect(total(used.steps)).toBeLessThanOrEqual(3 + 36);
      expect(have).toEqual(await fresh(other, prompt));
    }
  });
});
