import { describe, expect, it } from "vitest";
import type { TensorToWrite } from "../../../src/formats/hf/safetensors.ts";
import { openCheckpoint } from "../../../src/formats/open-checkpoint.ts";
import { floatsOf } from "../golden-files.ts";
import { hfFolder, tinyHfTensors } from "../tiny-model.ts";

type Tensors = Map<string, TensorToWrite>;

const renamed = (rename: (name: string) => string): Tensors =>
  new Map([...tinyHfTensors()].map(([name, tensor]) => [rename(name), tensor]));

/** As mlx-lm saves it: its own names, experts stacked, taps [hidden, width, 1]. */
function mlx(): Tensors {
  const projections = { w1: "gate_proj", w2: "down_proj", w3: "up_proj" };
  const tensors: Tensors = new Map();
  const stacks = new Map<string, TensorToWrite[]>();
  for (const [name, tensor] of tinyHfTensors()) {
    const own = name.replace(/\.(w[123])\.weight$/, (_, w: keyof typeof projections) => `.${projections[w]}.weight`);
    const [, before, after] = /^(.+\.)experts\.\d+\.(.+)$/.exec(own) ?? [];
    if (before) {
      const stack = `${before}switch_mlp.${after}`;
      stacks.set(stack, [...(stacks.get(stack) ?? []), tensor]);
    } else if (name.endsWith("conv.conv.weight")) {
      const [hidden, , width] = tensor.shape;
      tensors.set(own, { ...tensor, shape: [hidden, width, 1] });
    } else tensors.set(own, tensor);
  }
  for (const [name, matrices] of stacks) {
    const data = new Uint8Array(
      matrices.flatMap(({ data: { buffer, byteOffset, byteLength } }) => [
        ...new Uint8Array(buffer, byteOffset, byteLength),
      ]),
    );
    tensors.set(name, { ...matrices[0], shape: [matrices.length, ...matrices[0].shape], data });
  }
  return tensors;
}

/** The fused matrices as modules, and every other tensor in a wrapper. */
const withOnes = (tensors: Tensors): Tensors =>
  new Map(
    [...tensors].map(([name, tensor], i) => {
      if (name.endsWith("conv.conv.weight")) return [name, tensor];
      return [name, { ...tensor, shape: i % 2 === 0 ? [...tensor.shape, 1] : [1, ...tensor.shape] }];
    }),
  );

const layers = (name: string) => name.replace(/^model\./, "");

describe("tensors under the names of other programs", () => {
  const spelled: [string, Tensors][] = [
    ["without model.", renamed(layers)],
    ["of LFM2-VL's text half, transformers 5", renamed((name) => `model.language_model.${layers(name)}`)],
    ["of LFM2-VL's text half, older", renamed((name) => `language_model.${name}`)],
    ["of torch.compile", renamed((name) => `_orig_mod.${name}`)],
    ["of torch.compile, layer by layer", renamed((name) => name.replace(/(layers\.\d+)\./, "$1._orig_mod."))],
    ["of DistributedDataParallel", renamed((name) => `module.${name}`)],
    ["of mlx-lm", mlx()],
    ["with axes of size 1 at either end", withOnes(tinyHfTensors())],
  ];
  for (const [what, tensors] of spelled) {
    it(`are known: ${what}`, async () => {
      const expected = await openCheckpoint(hfFolder(), undefined);
      const found = await openCheckpoint(hfFolder(tensors), undefined);
      expect([...found.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
      for (const name of expected.tensors.keys())
        expect(await floatsOf(found, name)).toEqual(await floatsOf(expected, name));
      expect(found.warnings).toEqual([]);
    });
  }

  const wrong: [string, string, string][] = [
    [
      "model.layers.1.self_attn.out_proj.weight",
      "model.layers.1.self_attn.o_proj.weight",
      "Was model.layers.1.self_attn.out_proj.weight meant?",
    ],
    ["model.embedding_norm.weight", "model.norm.weight", "Was model.embedding_norm.weight meant?"],
    ["model.embedding_norm.weight", "student.model.embedding_norm.weight", "Was model.embedding_norm.weight meant?"],
    ["model.embedding_norm.weight", "model.embedding_norm", "Was model.embedding_norm.weight meant?"],
    [
      "model.embedding_norm.weight",
      "base_model.model.model.embedding_norm.weight",
      "found a part of a LoRA adapter. Merge it",
    ],
    [
      "model.embedding_norm.weight",
      "model.layers.0.conv.in_proj.lora_A.default.weight",
      "found a part of a LoRA adapter",
    ],
    ["model.embedding_norm.weight", "model.layers.0.conv.in_proj.base_layer.weight", "found a part of a LoRA adapter"],
    [
      "model.embedding_norm.weight",
      "model.embedding_norm.modules_to_save.default.weight",
      "found a part of a LoRA adapter",
    ],
    [
      "model.embedding_norm.weight",
      "model.layers.0.conv.in_proj.lora_magnitude_vector",
      "found a part of a LoRA adapter",
    ],
    ["model.embedding_norm.weight", "model.vision_tower.embeddings.weight", "found a part of a vision model"],
    ["model.embedding_norm.weight", "model.layers.0.conv.conv.bias", "found a bias"],
    [
      "model.embedding_norm.weight",
      "model.layers.00.ffn_norm.weight",
      "found a name that no such tensor has. Open a model of the LFM2",
    ],
  ];
  for (const [name, other, message] of wrong) {
    it(`are refused: ${other}`, async () => {
      const opening = openCheckpoint(hfFolder(renamed((found) => (found === name ? other : found))), undefined);
      await expect(opening).rejects.toThrow(message);
      await expect(opening).rejects.toThrow(other);
    });
  }

  it("may have experts of several float types: the stack is F32", async () => {
    const expected = await openCheckpoint(hfFolder(), undefined);
    const tensors = tinyHfTensors();
    const first = "model.layers.1.feed_forward.experts.0.w1.weight";
    const stack = "model.layers.1.feed_forward.experts.w1";
    const numbers = (await floatsOf(expected, stack)).slice(0, 32 * 32);
    tensors.set(first, { dtype: "F32", shape: [32, 32], data: numbers });
    const mixed = await openCheckpoint(hfFolder(tensors), undefined);
    expect(mixed.tensors.get(stack)).toMatchObject({ format: "F32", parts: [{ format: "F32" }, { format: "BF16" }] });
    expect(await floatsOf(mixed, stack)).toEqual(await floatsOf(expected, stack));
  });
});

describe("tensors that the graph does not read", () => {
  it("are left out with a warning for each reason", async () => {
    const tensors = tinyHfTensors();
    const add = (name: string, dtype: "F32" | "I64", shape: number[], data: ArrayBufferView) =>
      tensors.set(name, { dtype, shape, data });
    add("model.rotary_emb.inv_freq", "F32", [8], new Float32Array(8));
    add("model.layers.0.rotary_emb.inv_freq", "F32", [8], new Float32Array(8));
    add("model.layers.0.num_batches_tracked", "I64", [], new BigInt64Array(1));
    add("model.layers.0.scale_of_nothing", "F32", [], new Float32Array(1));
    add("model.layers.0.nothing", "F32", [0, 32], new Float32Array(0));
    const { warnings } = await openCheckpoint(hfFolder(tensors), undefined);
    expect([...warnings].sort()).toEqual([
      "model.safetensors, model.layers.0.nothing: not used (it is empty, and LFM2 has no such tensor).",
      "model.safetensors, model.layers.0.num_batches_tracked: not used (integers, and LFM2 has no such tensor).",
      "model.safetensors, model.layers.0.rotary_emb.inv_freq and 1 more like it: not used " +
        "(RoPE's frequencies, which are computed from the config, as in transformers).",
      "model.safetensors, model.layers.0.scale_of_nothing: not used (a single number, and LFM2 has no such tensor).",
    ]);
  });
});
