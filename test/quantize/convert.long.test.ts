import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blockFormats, decodeRow, encodeBlocks } from "../../src/blocks/formats.ts";
import type { Checkpoint, StoredTokenizer } from "../../src/formats/checkpoint.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { readTokenizer } from "../../src/formats/tokenizer-source.ts";
import { readConfig } from "../../src/model/config.ts";
import { type ConvertOptions, convertToHf } from "../../src/quantize/convert.ts";
import { quantize } from "../../src/quantize/quantize.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { bytesOf, closeAll, floatsOf } from "../formats/golden-files.ts";
import { folderOf } from "../formats/tiny-model.ts";
import { openBytes, openGolden, written } from "./collect.ts";

let hf: Checkpoint;
let q4: Checkpoint;
beforeAll(async () => {
  hf = await openGolden("nano/hf");
  q4 = await openGolden("nano", "lfm2-nano-Q4_0.gguf");
});
afterAll(() => Promise.all([hf, q4].map(closeAll)));

async function filesOf(checkpoint: Checkpoint, options: ConvertOptions) {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  const { fileNames } = await convertToHf(
    checkpoint,
    async (name, write) => {
      files[name] = await written(write);
    },
    options,
  );
  expect(Object.keys(files)).toEqual(fileNames);
  return files;
}

const converted = async (checkpoint: Checkpoint, options: ConvertOptions) =>
  openCheckpoint(folderOf(await filesOf(checkpoint, options)), undefined);

describe("a Hugging Face folder", () => {
  it("comes out of itself with the same bytes in every tensor", async () => {
    const again = await converted(hf, { format: "BF16" });
    expect([...again.tensors.keys()].sort()).toEqual([...hf.tensors.keys()].sort());
    for (const [name, tensor] of hf.tensors) {
      const own = again.tensors.get(name);
      expect([own?.format, own?.shape]).toEqual([tensor.format, tensor.shape]);
      expect(Buffer.compare(await bytesOf(again, own ?? tensor), await bytesOf(hf, tensor))).toBe(0);
    }
    expect(readConfig(again.config)).toEqual(readConfig(hf.config));
    expect(again.generationConfig).toEqual(hf.generationConfig);
    expect(again.chatTemplate).toBe(hf.chatTemplate);
    expect(readTokenizer(again.tokenizer as StoredTokenizer)).toEqual(readTokenizer(hf.tokenizer as StoredTokenizer));
  });

  it("keeps templates by name, of a GGUF file too", async () => {
    const namedTemplates = new Map([["tool_use", "t"]]);
    for (const checkpoint of [hf, q4]) {
      const again = await converted({ ...checkpoint, namedTemplates }, { format: "BF16" });
      expect([again.chatTemplate, again.namedTemplates]).toEqual([checkpoint.chatTemplate, namedTemplates]);
    }
  });

  it("holds a GGUF file's weights exactly in F32, rounded in BF16", async () => {
    const f32 = await converted(q4, { format: "F32" });
    const bf16 = await converted(q4, { format: "BF16" });
    for (const name of q4.tensors.keys()) {
      const wanted = await floatsOf(q4, name);
      expectSame(name, await floatsOf(f32, name), wanted);
      expectSame(name, await floatsOf(bf16, name), name.endsWith("expert_bias") ? wanted : rounded(wanted));
    }
    expect(readConfig(f32.config)).toEqual(readConfig(q4.config));
    expect([f32.config.dtype, bf16.config.dtype]).toEqual(["float32", "bfloat16"]);
  });

  it("scales RoPE as its model does, in words that transformers 4 and 5 read, by way of GGUF, too", async () => {
    const yarn = await openGolden("transformers/moe-yarn");
    const { rope_parameters: rope, ...rest } = yarn.config;
    // By layer type transformers does not load LFM2's.
    const nested = { ...yarn, config: { ...rest, rope_scaling: { full_attention: rope } } };
    const gguf = await openBytes(await written((sink) => quantize(yarn, sink, { type: "F32", name: "yarn" })));
    for (const checkpoint of [yarn, nested, gguf]) {
      const again = await converted(checkpoint, { format: "F32" });
      expect(readConfig(again.config)).toEqual(readConfig(yarn.config));
      expect(again.config).toMatchObject({ rope_parameters: rope, rope_scaling: rope, rope_theta: 100 });
      expect(again.warnings).toEqual([]);
    }
    await closeAll(yarn);
  });

  it("reads and writes text as the GGUF file does, and as the folder it was once made of", async () => {
    const { tokenizer, chatTemplate } = await converted(q4, { format: "BF16" });
    expect(chatTemplate).toBe(q4.chatTemplate);
    const [a, b, c] = [tokenizer, q4.tokenizer, hf.tokenizer].map((source) =>
      createTokenizer(readTokenizer(source as StoredTokenizer)),
    );
    for (const text of [
      "Hello!",
      "naïve café 😀 12345",
      "<|im_start|>user\n<think>a</think> b<|im_end|>\n",
      " \n\n x",
    ]) {
      const ids = a.encode(text, { addBos: true });
      expect(ids).toEqual(b.encode(text, { addBos: true }));
      expect(ids).toEqual(c.encode(text, { addBos: true }));
    }
    expect([a.bosId, a.eosIds, a.vocabSize]).toEqual([b.bosId, b.eosIds, b.vocabSize]);
  });

  it("is not made of a GGUF file that splits text in another way, or does not say how", async () => {
    const stored = q4.tokenizer as Extract<StoredTokenizer, { kind: "gguf" }>;
    for (const pre of ["default", undefined]) {
      const attempt = filesOf({ ...q4, tokenizer: { ...stored, pre } }, { format: "BF16" });
      await expect(attempt).rejects.toThrow('tokenizer.ggml.pre: expected "lfm2" or "llama-bpe", found');
    }
  });

  it("ends answers at every id at which the GGUF file does", async () => {
    const stored = q4.tokenizer as Extract<StoredTokenizer, { kind: "gguf" }>;
    const files = await filesOf({ ...q4, tokenizer: { ...stored, endIds: [300, 301] } }, { format: "BF16" });
    const settings = JSON.parse(new TextDecoder().decode(files["generation_config.json"]));
    expect(settings.eos_token_id).toEqual([7, 300, 301]);
    const { tokenizer } = await openCheckpoint(folderOf(files), undefined);
    expect(createTokenizer(readTokenizer(tokenizer as StoredTokenizer)).eosIds).toEqual([7, 300, 301, 2]);
  });

  it("is cut into files of a bounded size, with an index", async () => {
    const files = await filesOf(hf, { format: "BF16", shardBytes: 6_000_000 });
    const weights = Object.keys(files).filter((name) => name.endsWith(".safetensors"));
    expect(weights).toEqual([1, 2, 3, 4].map((n) => `model-0000${n}-of-00004.safetensors`));
    for (const name of weights) expect(files[name].length).toBeLessThan(6_000_000 + 100_000); // and a header
    const index = JSON.parse(new TextDecoder().decode(files["model.safetensors.index.json"]));
    expect(index.metadata.total_size).toBe(21_673_216);
    expect(Object.keys(index.weight_map)).toHaveLength(2302);
    const again = await openCheckpoint(folderOf(files), undefined);
    for (const name of hf.tensors.keys()) expectSame(name, await floatsOf(again, name), await floatsOf(hf, name));
  });

  it("tells Python floats from integers", async () => {
    const files = await filesOf(q4, { format: "BF16" });
    const text = new TextDecoder().decode(files["config.json"]);
    expect(text).toContain('"rope_theta": 1000000.0,');
    expect(text).toContain('"routed_scaling_factor": 1.0,');
    expect(text).toContain('"hidden_size": 128,');
  });

  it("gives up with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const onProgress = (): void => controller.abort(reason);
    await expect(filesOf(q4, { format: "F32", signal: controller.signal, onProgress })).rejects.toBe(reason);
  });
});

/** Bit for bit; `toEqual` takes a minute for ten million numbers. */
function expectSame(name: string, found: Float32Array, wanted: Float32Array): void {
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);
  expect([name, found.length, Buffer.compare(bytes(found), bytes(wanted))]).toEqual([name, wanted.length, 0]);
}

/** To the nearest BF16 and back. */
function rounded(weights: Float32Array): Float32Array {
  const back = new Float32Array(weights.length);
  decodeRow(blockFormats.BF16, encodeBlocks(blockFormats.BF16, weights), 0, back, back.length);
  return back;
}
