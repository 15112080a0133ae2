// A model of many convolutions, and what has to hold of the beginning that two prompts share.
import fc from "fast-check";
import { expect } from "vitest";
import { type Engine, type Pace, prefill } from "../../src/engine/engine.ts";
import { restart } from "../../src/engine/sequence.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { createEngine, type LoadedModel } from "../../src/load/load.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import type { Backend } from "../../src/ops/backend.ts";
import { synthesize } from "../../src/synth/synthesize.ts";
import { load, open } from "../model/run.ts";
import { written } from "../quantize/collect.ts";

export const patient: Pace = { pause: async () => {}, check: undefined };

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
export const REPLAY = 18;
const file = written((sink) => synthesize(config, sink, { type: "Q8_0", name: "many convolutions", seed: 5 }));

export interface Counted extends Engine {
  readonly backend: Backend;
  readonly slots: LoadedModel["slots"];
  readonly steps: number[];
}

export async function counted(options: ModelOptions, checkpoint: Promise<Checkpoint>): Promise<Counted> {
  const loaded = await load(await checkpoint, { contextLength: 384, ...options });
  const { model, backend, slots } = loaded;
  const steps: number[] = [];
  const ops: typeof model.ops = Object.create(model.ops);
  ops.embed = (ids, w) => {
    steps.push(ids.length);
    return model.ops.embed(ids, w);
  };
  return { ...createEngine(loaded), model: { ...model, ops }, backend, slots, maxStep: 64, steps };
}

/**
 * The model of many convolutions, with taps that are largest where they look back furthest: what the first convolution
 * saw 18 positions ago is then in the logits, and not rounded away.
 */
export async function forgetful(options: ModelOptions): Promise<Counted> {
  const made = await counted(options, open("", { name: "a.gguf", bytes: await file }));
  for (const [path, { weight, write }] of made.backend.weights) {
    if (!path.endsWith("conv.conv")) continue;
    const taps = Float32Array.from({ length: weight.rows * 4 }, (_, i) => [4, 1, -1, 1][i % 4] * (1 + (i % 7)));
    write(0, new Uint8Array(taps.buffer));
  }
  return made;
}

export const total = (steps: readonly number[]) => steps.reduce((sum, step) => sum + step, 0);

/** Logits after `ids`, from an empty sequence. */
export async function fresh(used: Engine, ids: readonly number[]): Promise<Float32Array> {
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

export const modes: readonly ModelOptions[] = (["f32", "f16", "int8"] as const).flatMap((kvType) => [
  { backend: "reference", kvType },
  { mode: "exact", kvType },
  { mode: "int8", kvType },
]);

/** The bits of a fresh run, wherever prompts part, turn after turn, in any steps, given up or not. */
export async function expectFreshBits(options: ModelOptions): Promise<void> {
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
}

/** The same behind a cut at, before and after the reach of the convolutions. */
export async function expectFreshBitsAtReach(options: ModelOptions): Promise<void> {
  const [used, other] = await Promise.all([forgetful(options), forgetful(options)]);
  const ids = Array.from({ length: 70 }, (_, i) => (i * i * 7) % 320);
  for (const cut of [69, 50, REPLAY + 1, REPLAY, REPLAY - 1, 1, 0]) {
    await fresh(used, ids);
    const prompt = [...ids.slice(0, cut), 319];
    expect(await prefill(used, prompt, patient)).toEqual(await fresh(other, prompt));
  }
}
