import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Checkpoint, StoredTokenizer } from "../../src/formats/checkpoint.ts";
import { quantizationTypes } from "../../src/formats/gguf/file-types.ts";
import { readGgufHeader } from "../../src/formats/gguf/gguf.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { readTokenizer } from "../../src/formats/tokenizer-source.ts";
import { readConfig } from "../../src/model/config.ts";
import { type Quantized, type QuantizeOptions, quantize } from "../../src/quantize/quantize.ts";
import { blobSource } from "../../src/sources/blob.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { nanoQ8 } from "../formats/float-goldens.ts";
import { bytesOf, closeAll } from "../formats/golden-files.ts";
import { hfFolder, tinyHfTensors } from "../formats/tiny-model.ts";
import { openBytes, openGolden, written } from "./collect.ts";

let hf: Checkpoint;
let q4: Checkpoint;
beforeAll(async () => {
  hf = await openGolden("nano/hf");
  q4 = await openGolden("nano", "lfm2-nano-Q4_0.gguf");
});
afterAll(() => Promise.all([hf, q4].map(closeAll)));

const quantized = (checkpoint: Checkpoint, options: Partial<QuantizeOptions> = {}) =>
  written((sink) => quantize(checkpoint, sink, { type: "Q8_0", name: "lfm2-nano", ...options }));

const metadataOf = async (bytes: Uint8Array<ArrayBuffer>) =>
  new Map((await readGgufHeader(blobSource("file", new Blob([bytes])))).metadata);

async function expectSameTensors(found: Uint8Array<ArrayBuffer>, golden: Checkpoint): Promise<void> {
  const ours = await openBytes(found);
  expect([...ours.tensors.keys()].sort()).toEqual([...golden.tensors.keys()].sort());
  for (const [name, tensor] of golden.tensors) {
    const own = ours.tensors.get(name);
    expect([name, own?.format, own?.shape]).toEqual([name, tensor.format, tensor.shape]);
    const same = Buffer.compare(await bytesOf(ours, own ?? tensor), await bytesOf(golden, tensor));
    expect([name, same]).toEqual([name, 0]);
  }
}

describe("quantizing the embedded model's Hugging Face folder", () => {
  it("gives the tensors of its Q8_0 file, byte for byte", async () => {
    await expectSameTensors(await quantized(hf), await openBytes(await nanoQ8()));
  });

  it("gives the tensors of its Q4_0 file, byte for byte", async () => {
    await expectSameTensors(await quantized(hf, { type: "Q4_0" }), q4);
  });

  it("gives the metadata that its converter wrote, but for what no file of the folder says", async () => {
    const found = await metadataOf(await quantized(hf, { type: "Q4_0" }));
    const wanted = new Map((await readGgufHeader(q4.files[0])).metadata);
    for (const key of ["basename", "size_label", "description", "license", "languages"])
      wanted.delete(`general.${key}`);
    const sampling = [...found.keys()].filter((key) => key.startsWith("general.sampling."));
    expect(sampling.map((key) => found.get(key)?.value)).toEqual([0.2, 80, 1.05]); // generation_config.json
    for (const key of sampling) found.delete(key);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
  });

  it("keeps every id that ends an answer", async () => {
    const stored = hf.tokenizer as Extract<Checkpoint["tokenizer"], { kind: "json" }>;
    for (const endIds of [[7], [7, 300], [2, 300, 301]]) {
      const ours = await openBytes(await quantized({ ...hf, tokenizer: { ...stored, endIds } }));
      const { eosIds } = createTokenizer(readTokenizer(ours.tokenizer as StoredTokenizer));
      expect([...eosIds].sort()).toEqual([...new Set([7, 2, ...endIds])].sort());
    }
  });

  it("keeps templates by name", async () => {
    const namedTemplates = new Map([["tool_use", "t"]]);
    const ours = await openBytes(await quantized({ ...hf, namedTemplates }));
    expect([ours.chatTemplate, ours.namedTemplates]).toEqual([hf.chatTemplate, namedTemplates]);
  });

  it("refuses a pattern that GGUF cannot name, before anything is written", async () => {
    const stored = hf.tokenizer as Extract<Checkpoint["tokenizer"], { kind: "json" }>;
    const text = new TextDecoder().decode(stored.tokenizer);
    expect(text).toContain("{1,3}");
    const tokenizer = new TextEncoder().encode(text.replace("{1,3}", "{1,2}"));
    await expect(quantized({ ...hf, tokenizer: { ...stored, tokenizer } })).rejects.toThrow(
      /pre_tokenizer: expected LFM2's or LFM2.5's pattern, as GGUF names patterns and does not hold them, found .*\{1,2\}/,
    );
  });

  for (const type of quantizationTypes) {
    it(`gives a ${type} file of the size it says, with the same config`, async () => {
      let summary: Quantized | undefined;
      const bytes = await written(async (sink) => {
        summary = await quantize(hf, sink, { type, name: "lfm2-nano" });
      });
      expect(summary?.fileBytes).toBe(bytes.length);
      expect(summary?.tensors.reduce((sum, { weights }) => sum + weights, 0)).toBe(10_835_904);
      expect(readConfig((await openBytes(bytes)).config)).toEqual(readConfig(hf.config));
    });
  }

  it("reports progress up to the whole, and holds a few megabytes at a time", async () => {
    const seen: number[] = [];
    let largest = 0;
    await quantize(
      hf,
      async (bytes) => {
        largest = Math.max(largest, bytes.byteLength);
      },
      {
        type: "Q4_0",
        name: "",
        onProgress(done, total) {
          expect(total).toBe(21_673_216); // BF16, and 704 biases in F32
          seen.push(done);
        },
      },
    );
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(21_673_216);
    expect(largest).toBeLessThan(4 << 20);
  });

  it("stops at once when aborted", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    let pieces = 0;
    const onProgress = (): void => {
      pieces++;
      controller.abort(reason);
    };
    await expect(quantized(hf, { signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(pieces).toBe(1);
  });
});

describe("quantizing a GGUF file", () => {
  it("keeps its metadata but for the keys that tell of blocks", async () => {
    const before = (await readGgufHeader(q4.files[0])).metadata;
    const after = await metadataOf(await quantized(q4));
    expect([...after.keys()]).toEqual([...before.keys()]);
    const changed = [...after].filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(before.get(key)));
    expect(changed).toEqual([["general.file_type", { type: "u32", value: 7 }]]);
  });

  it("copies blocks that stay as they are", async () => {
    await expectSameTensors(await quantized(q4, { type: "Q4_0" }), q4);
  });

  it("gives the same file from F32 as from the BF16 folder it was made of", async () => {
    const f32 = await openBytes(await quantized(hf, { type: "F32" }));
    const direct = await quantized(hf, { type: "Q5_K_M" });
    expect(Buffer.compare(await quantized(f32, { type: "Q5_K_M" }), direct)).toBe(0);
  });
});

describe("quantizing refuses", () => {
  it("a weight that is no number, by its tensor's name", async () => {
    const tensors = tinyHfTensors();
    const name = "model.layers.1.feed_forward.experts.1.w2.weight";
    const broken = tensors.get(name) as NonNullable<ReturnType<typeof tensors.get>>;
    new Uint16Array(broken.data.buffer)[5] = 0x7fc0;
    const folder = hfFolder(tensors, { "config.json": JSON.stringify(tinyHfConfig) });
    const checkpoint = await openCheckpoint(folder, undefined);
    await expect(quantized(checkpoint)).rejects.toThrow(
      "model.layers.1.feed_forward.experts.w2: expected finite weights, found NaN at expert 1, row 0, column 5.",
    );
  });

  it("a model with a tensor missing", async () => {
    const tensors = tinyHfTensors();
    tensors.delete("model.embedding_norm.weight");
    const folder = hfFolder(tensors, { "config.json": JSON.stringify(tinyHfConfig) });
    const checkpoint = await openCheckpoint(folder, undefined);
    await expect(quantized(checkpoint)).rejects.toThrow(
      "model.embedding_norm.weight: expected a tensor of this name, as the config says, found none among 22.",
    );
  });
});

const tinyHfConfig = {
  model_type: "lfm2_moe",
  vocab_size: 4,
  hidden_size: 32,
  intermediate_size: 64,
  moe_intermediate_size: 32,
  num_hidden_layers: 2,
  num_dense_layers: 1,
  num_experts: 2,
  num_experts_per_tok: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  layer_types: ["conv", "full_attention"],
};
