// Tensors that do not fit the config are refused by name before any byte of them is read.
import { describe, expect, it } from "vitest";
import type { Checkpoint, StoredTensor } from "../../src/formats/checkpoint.ts";
import { FormatError } from "../../src/formats/refusal.ts";
import { loadModel } from "../../src/load/load.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import { planMemory } from "../../src/load/plan-memory.ts";
import { OptionError } from "../../src/options/option-error.ts";
import { context } from "../ops/harness.ts";
import { fullShape } from "./full-shape.ts";
import { open } from "./run.ts";

/** moe-small with some tensors replaced (or, by undefined, removed); its bytes cannot be read. */
async function changed(changes: Record<string, Partial<StoredTensor> | undefined>): Promise<Checkpoint> {
  const checkpoint = await open("transformers/moe-small");
  const tensors = new Map(checkpoint.tensors);
  for (const [name, change] of Object.entries(changes)) {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`no tensor ${name} to change`);
    if (change === undefined) tensors.delete(name);
    else tensors.set(name, { ...tensor, ...change });
  }
  const unread = checkpoint.files.map((file) => ({
    ...file,
    name: file.name,
    read: () => Promise.reject(new Error("read")),
  }));
  await Promise.all(checkpoint.files.map((file) => file.close()));
  return { ...checkpoint, tensors, files: unread };
}

const refused: [string, Record<string, Partial<StoredTensor> | undefined>, string][] = [
  [
    "a norm of three rows",
    { "model.layers.3.ffn_norm.weight": { shape: [3, 64] } },
    "model.layers.3.ffn_norm.weight: expected shape [64], as the config says, found [3, 64].",
  ],
  [
    "a missing norm",
    { "model.layers.3.ffn_norm.weight": undefined },
    "model.layers.3.ffn_norm.weight: expected a tensor of this name, as the config says, found none among",
  ],
  [
    "a missing bias",
    { "model.layers.2.feed_forward.expert_bias": undefined },
    "model.layers.2.feed_forward.expert_bias: expected a tensor of this name",
  ],
  [
    "an in_proj of another width",
    { "model.layers.0.conv.in_proj.weight": { shape: [64, 64] } },
    "model.layers.0.conv.in_proj.weight: expected shape [192, 64], as the config says, found [64, 64].",
  ],
  [
    "too few experts",
    { "model.layers.2.feed_forward.experts.w1": { shape: [7, 32, 64] } },
    "model.layers.2.feed_forward.experts.w1: expected shape [8, 32, 64], as the config says, found [7, 32, 64].",
  ],
  [
    "swapped axes",
    { "model.layers.2.self_attn.k_proj.weight": { shape: [64, 32] } },
    "model.layers.2.self_attn.k_proj.weight: expected shape [32, 64]",
  ],
  [
    "a norm of another length",
    { "model.embedding_norm.weight": { shape: [65] } },
    "model.embedding_norm.weight: expected shape [64]",
  ],
  [
    "a block longer than a row",
    { "model.layers.2.self_attn.q_proj.weight": { format: "Q4_K" } },
    "model.layers.2.self_attn.q_proj.weight: expected rows in multiples of 256 for Q4_K, found 64.",
  ],
];

describe("loadModel", () => {
  it.each(refused)("refuses %s", async (_, changes, message) => {
    const checkpoint = await changed(changes);
    const loading = loadModel(checkpoint, {}, context);
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toBeInstanceOf(FormatError);
  });

  const options: [object, string][] = [
    [{ backend: "gpu" }, 'backend: expected wasm or reference, found "gpu".'],
    [{ mode: "fp8" }, 'mode: expected exact or int8, found "fp8".'],
    [{ kvType: "q4" }, 'kvType: expected f32 or f16 or int8, found "q4".'],
    [{ backend: "reference", mode: "int8" }, 'mode: expected "exact" with the reference backend, found "int8".'],
    [{ contextLength: 513 }, "contextLength: expected an integer in [1, 512] (max_position_embeddings), found 513."],
    [{ contextLength: 0 }, "contextLength: expected an integer in [1, 512]"],
    [{ bankBytes: 100 }, "bankBytes: expected an integer in [65536, 4294967296], found 100."],
    [
      { contextlength: 4 },
      "contextlength: expected an option of open (backend, mode, kvType, contextLength, parallel, kvMemory, bankBytes, threads, kernels, quantize, ignoreMemory), found another. Check the spelling.",
    ],
  ];
  it.each(options)("refuses the options %o", async (bad, message) => {
    const loading = loadModel(await changed({}), bad as ModelOptions, context);
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toBeInstanceOf(OptionError);
  });
});

describe("planMemory", () => {
  it("plans the full LFM2-8B-A1B shape in two banks of whole layers, without reserving it", () => {
    const { config, tensors } = fullShape();
    const plan = planMemory({ config, tensors }, { contextLength: 32768 }, context.machine);
    const weights = plan.banks.reduce((sum, bank) => sum + bank.weightBytes, 0);
    // The published size of the Q4_0 file's tensors (llama-bench), and 1 MiB because the packed Q6_K head keeps its
    // scales in float32; then alignment.
    const published = 4_731_500_288 + 2 ** 20;
    expect(weights).toBeGreaterThanOrEqual(published);
    expect(weights).toBeLessThan(published + 65536);
    expect(plan.banks.length).toBe(2);
    expect(Math.max(...plan.banks.map(({ bytes }) => bytes))).toBeLessThanOrEqual(2 ** 32);
    expect(plan.banks.flatMap(({ units }) => units)).toEqual([
      "model",
      ...Array.from({ length: 24 }, (_, i) => `model.layers.${i}`),
    ]);
    // 6 layers × (K and V) × 512 numbers × 2 bytes × 32,768 positions, and two states of 18 convolutions for 4 sequences,
    // each of 2 rows and 15 that a guess may take back.
    const states = plan.banks.reduce((sum, bank) => sum + bank.stateBytes, 0);
    expect(states).toBe(6 * 2 * 512 * 2 * 32768 + 4 * 18 * 2 * ((2 + 15) * 2048 * 4));
  });
});
