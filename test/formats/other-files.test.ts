// Folders and files that hold something else than one whole model, or something beside it: named, or told of.
import { describe, expect, it } from "vitest";
import { scalar } from "../../src/formats/gguf/write.ts";
import { type TensorToWrite, writeSafetensors } from "../../src/formats/hf/safetensors.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import type { Folder } from "../../src/sources/source.ts";
import { SourceError } from "../../src/sources/source-error.ts";
import { changed, withTensor } from "./broken-files.ts";
import { writeGguf } from "./gguf/gguf-writer.ts";
import { folderOf, hfFolder, tinyConfig, tinyHfTensors, tinyMetadata, tinyTensors } from "./tiny-model.ts";

const config = JSON.stringify(tinyConfig);
const weights = writeSafetensors(tinyHfTensors());
const indexOf = (...files: string[]) =>
  JSON.stringify({
    weight_map: Object.fromEntries([...tinyHfTensors().keys()].map((name, i) => [name, files[i % files.length]])),
  });
type Files = Parameters<typeof folderOf>[0];

/** The same files where they cannot be listed, as on a web server; one that refuses what it does not have. */
const unlisted = (files: Files): Folder => {
  const { name, open } = folderOf(files);
  return {
    name,
    async open(fileName) {
      const source = await open(fileName);
      if (source || Object.hasOwn(files, fileName) || !/adapter|bin|consolidated/.test(fileName)) return source;
      throw new SourceError({ subject: fileName, expected: "HTTP 206", found: "HTTP 403" });
    },
  };
};

describe("a folder with files beside the model's", () => {
  const whole = { "config.json": config, "model.safetensors": weights };

  it("says which might matter, by name, whether it can be listed or not", async () => {
    const files = {
      ...whole,
      "adapter_config.json": "{}",
      "adapter_model.safetensors": "",
      "pytorch_model.bin": "",
      "README.md": "",
      "optimizer.pt": "",
      "training_args.bin": "",
    };
    for (const folder of [folderOf(files), unlisted(files)]) {
      expect((await openCheckpoint(folder, undefined)).warnings).toEqual([
        "adapter_config.json, adapter_model.safetensors: a LoRA adapter, which is not applied.",
        "pytorch_model.bin: another set of weights, which is not read.",
      ]);
    }
    const listed = folderOf({ ...whole, "m-q4.gguf": "", "model-old.safetensors": "" });
    expect((await openCheckpoint(listed, undefined)).warnings).toEqual([
      "m-q4.gguf, model-old.safetensors: another file of weights, which is not read.",
    ]);
    for (const folder of [folderOf(whole), unlisted(whole)]) {
      expect((await openCheckpoint(folder, undefined)).warnings).toEqual([]);
    }
  });

  it("is refused where an index names other files than the one that lies beside it", async () => {
    const stray = { ...whole, "model.safetensors.index.json": indexOf("a-1.safetensors", "a-2.safetensors") };
    await expect(openCheckpoint(folderOf(stray), undefined)).rejects.toThrow(
      "model: expected one set of weights, found model.safetensors beside the 2 files that " +
        "model.safetensors.index.json names. Remove the set that does not belong to the model.",
    );
    const listed = { ...whole, "model.safetensors.index.json": indexOf("model.safetensors") };
    expect((await openCheckpoint(folderOf(listed), undefined)).tensors.size).toBe(23);
  });

  it("is to be opened whole, not by one of its shards", async () => {
    const files = { "config.json": config, "model-00001-of-00003.safetensors": weights };
    await expect(openCheckpoint(folderOf(files), "model-00001-of-00003.safetensors")).rejects.toThrow(
      "model-00001-of-00003.safetensors: expected a whole model, found file 1 of 3. " +
        "Open the folder that holds all of them and their index.",
    );
  });

  it("is refused for weights of another format alone, by their names", async () => {
    const files = { "config.json": config, "pytorch_model.bin": "", "consolidated.safetensors": "" };
    await expect(openCheckpoint(folderOf(files), undefined)).rejects.toThrow(
      "found consolidated.safetensors, pytorch_model.bin.",
    );
  });

  it("is refused as the LoRA adapter that PEFT writes, with its model's name", async () => {
    const adapter = {
      "adapter_config.json": '{"base_model_name_or_path": "LiquidAI/LFM2-1.2B"}',
      "adapter_model.safetensors": weights,
    };
    for (const [files, name] of [
      [adapter, undefined],
      [{ ...adapter, "config.json": config }, undefined],
      [adapter, "adapter_model.safetensors"],
    ] as const) {
      const message = 'expected a model, found a LoRA adapter of "LiquidAI/LFM2-1.2B". Merge it into the model';
      await expect(openCheckpoint(folderOf(files), name)).rejects.toThrow(message);
    }
  });
});

describe("quantized safetensors are refused by their method", () => {
  const u32 = (shape: number[]): TensorToWrite => {
    return { dtype: "U32", shape, data: new Uint32Array(shape.reduce((a, b) => a * b, 1)) };
  };
  const at = "model.layers.0.conv.in_proj";
  const stated: [string, object][] = [
    ["GPTQ", { quantization_config: { quant_method: "gptq", bits: 4 } }],
    ["AWQ", { quantization_config: { quant_method: "awq" } }],
    ["bitsandbytes", { quantization_config: { quant_method: "bitsandbytes", load_in_4bit: true } }],
    ["bitsandbytes", { quantization_config: { load_in_8bit: true } }],
    ["FP8", { quantization_config: { quant_method: "fp8", weight_block_size: [128, 128] } }],
    ["compressed-tensors", { quantization_config: { quant_method: "compressed-tensors" } }],
    ["compressed-tensors", { compression_config: {} }],
    ["torchao", { quantization_config: { quant_method: "torchao" } }],
    ["HQQ", { quantization_config: { quant_method: "hqq" } }],
    ['"new"', { quantization_config: { quant_method: "new" } }],
    ["MLX", { quantization: { group_size: 64, bits: 4 }, quantization_config: { group_size: 64, bits: 4 } }],
  ];
  const traces: [string, string][] = [
    ["MLX", `${at}.scales`],
    ["GPTQ", `${at}.g_idx`],
    ["AWQ or GPTQ", `${at}.qweight`],
    ["bitsandbytes", `${at}.weight.absmax`],
    ["bitsandbytes", `${at}.SCB`],
    ["FP8", `${at}.weight_scale_inv`],
    ["FP8 or compressed-tensors", `${at}.weight_scale`],
    ["compressed-tensors", `${at}.weight_packed`],
    ["HQQ", `${at}.W_q`],
  ];
  for (const [method, keys] of stated) {
    it(`${method}: ${JSON.stringify(keys)}`, async () => {
      // Only the config is there: nothing else needs to be read.
      const folder = folderOf({ "config.json": JSON.stringify({ ...tinyConfig, ...keys }) });
      await expect(openCheckpoint(folder, undefined)).rejects.toThrow(
        `expected float weights, found ${method} weights`,
      );
    });
  }
  for (const [method, name] of traces) {
    it(`${method}: ${name}`, async () => {
      const folder = hfFolder(tinyHfTensors().set(name, u32([4])));
      const message = `model.safetensors, ${name}: expected float weights, found ${method} weights. Take the same model`;
      await expect(openCheckpoint(folder, undefined)).rejects.toThrow(message);
    });
  }
});

describe("a GGUF file that is no model is refused for what it is", () => {
  const open = (file: Uint8Array<ArrayBuffer>) => openCheckpoint(folderOf({ "m.gguf": file }), "m.gguf");
  const str = (value: string) => scalar("str", value);
  const kinds: [string, Uint8Array<ArrayBuffer>, string][] = [
    ["an adapter", changed({ "general.type": str("adapter") }), "found a LoRA adapter. Merge it"],
    ["an adapter's key", changed({ "adapter.lora.alpha": scalar("f32", 16) }), "found a LoRA adapter. Merge it"],
    [
      "an adapter's tensor",
      withTensor("blk.0.attn_norm.weight", { name: "blk.0.attn_q.weight.lora_a" }),
      "LoRA adapter",
    ],
    ["an importance matrix", changed({ "general.type": str("imatrix") }), "found an importance matrix. It steers"],
    ["a projector", changed({ "general.architecture": str("clip") }), "found a multimodal projector (mmproj)"],
    ["a projector's type", changed({ "general.type": str("mmproj") }), "found a multimodal projector (mmproj)"],
    ["a draft model", changed({ "general.architecture": str("eagle3") }), "found a draft model for speculative"],
  ];
  for (const [what, file, message] of kinds) {
    it(what, async () => {
      await expect(open(file)).rejects.toThrow(message);
    });
  }

  it("but may have bytes after its last tensor, which are told of", async () => {
    const whole = writeGguf(tinyMetadata(), tinyTensors());
    const longer = new Uint8Array(whole.length + 4097);
    longer.set(whole);
    const warningsOf = async (file: Uint8Array<ArrayBuffer>) =>
      (await openCheckpoint(folderOf({ "m.gguf": file }), "m.gguf")).warnings;
    expect(await warningsOf(longer)).toEqual([
      "m.gguf: 4097 bytes after the last tensor are not used. If the model was meant to have more tensors, fetch it again.",
    ]);
    // What aligns the last tensor may be there or not.
    expect(await warningsOf(whole)).toEqual([]);
  });

  it("but may hold integers, single numbers and RoPE factors, which no graph reads", async () => {
    const [embedding] = tinyTensors();
    const more = [
      { name: "token_count", shape: [8], ggmlType: 26, data: new Uint8Array(32) },
      { name: "scale", shape: [1], ggmlType: 0, data: new Uint8Array(4) },
      { name: "rope_freqs.weight", shape: [8], ggmlType: 0, data: new Uint8Array(32) },
    ];
    const { warnings, tensors } = await open(writeGguf(tinyMetadata(), [...tinyTensors(), ...more]));
    expect(tensors.size).toBe(23);
    expect(warnings).toEqual([
      "m.gguf, token_count: not used (integers, and LFM2 has no such tensor).",
      "m.gguf, scale: not used (a single number, and LFM2 has no such tensor).",
      "m.gguf, rope_freqs.weight: not used (llama.cpp's graphs of lfm2 and lfm2moe give RoPE no factors).",
    ]);
    const integers = { ...embedding, ggmlType: 24, data: new Uint8Array(128) };
    const rest = tinyTensors().slice(1);
    await expect(open(writeGguf(tinyMetadata(), [integers, ...rest]))).rejects.toThrow(
      "MXFP4, found I8. Take the model",
    );
  });
});
