import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { quantizationTypes } from "../../src/formats/gguf/file-types.ts";
import { readGgufHeader } from "../../src/formats/gguf/gguf.ts";
import { tokenizerOfGguf } from "../../src/formats/gguf/tokenizer.ts";
import { readTokenizer } from "../../src/formats/tokenizer-source.ts";
import { readConfig } from "../../src/model/config.ts";
import { xoshiro128 } from "../../src/sampling/random.ts";
import { blobSource } from "../../src/sources/blob.ts";
import { shapes, withLayers } from "../../src/synth/shapes.ts";
import { synthesize } from "../../src/synth/synthesize.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { load, logitsOf } from "../model/run.ts";
import { openBytes, written } from "../quantize/collect.ts";
import { small, smallFile } from "./small.ts";

const IDS = 200;

function randomIds(vocabSize: number): Int32Array {
  const random = xoshiro128([1, 2, 3, 4]);
  return Int32Array.from({ length: IDS }, () => random() % vocabSize);
}

describe("a synthetic model", () => {
  for (const type of quantizationTypes) {
    it(`in ${type} has logits of an ordinary size and uses every expert`, async () => {
      const checkpoint = await openBytes(await smallFile(type));
      expect(readConfig(checkpoint.config)).toEqual(readConfig(small));
      const loaded = await load(checkpoint, { mode: "exact", contextLength: IDS, threads: 1 });
      const used = new Map<string, Set<number>>();
      const { vocab_size } = small;
      const all = logitsOf(loaded, randomIds(vocab_size), IDS, {
        result(path, result) {
          if (path.endsWith(".gate.experts")) used.set(path, new Set(loaded.model.memory.readIds(result as never)));
        },
      });
      const deviations: number[] = [];
      for (let row = 0; row < IDS; row += 8) {
        const logits = all.subarray(row * vocab_size, (row + 8) * vocab_size);
        const mean = logits.reduce((sum, x) => sum + x, 0) / logits.length;
        deviations.push(Math.sqrt(logits.reduce((sum, x) => sum + (x - mean) ** 2, 0) / logits.length));
      }
      expect(Math.min(...deviations)).toBeGreaterThan(1);
      expect(Math.max(...deviations)).toBeLessThan(5);
      expect([...used.values()].map((experts) => experts.size)).toEqual([16, 16, 16, 16]);
    });
  }

  it("is the same bytes for the same seed, and others for another", async () => {
    const hash = async (seed: number) =>
      createHash("sha256")
        .update(await smallFile("Q4_0", seed))
        .digest("hex");
    expect(await hash(7)).toBe(await hash(7));
    expect(await hash(8)).not.toBe(await hash(7));
    // Integer arithmetic and correctly rounded operations only, so every machine gives these.
    expect(await hash(1)).toBe("077b80719cfe8932ef3e66db62f6075a66784780ae2781be76839d576ee82d1b");
  });

  it("reports progress up to its weights' bytes, in pieces that leave memory alone", async () => {
    const seen: number[] = [];
    let largest = 0;
    const { tensors, fileBytes } = await synthesize(
      small,
      async (bytes) => {
        largest = Math.max(largest, bytes.length);
      },
      {
        type: "Q8_0",
        name: "",
        onProgress(done, total) {
          expect(done).toBeLessThanOrEqual(total);
          seen.push(done);
        },
      },
    );
    const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
    expect(seen.at(-1)).toBe(bytes);
    expect(fileBytes).toBeGreaterThan(bytes);
    expect(largest).toBeLessThanOrEqual(4 << 20);
  });

  it("stops at once when aborted", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const options = { type: "Q4_0", name: "", signal: controller.signal, onProgress: () => controller.abort(reason) };
    await expect(written((sink) => synthesize(small, sink, options as never))).rejects.toBe(reason);
  });

  it("refuses a vocabulary without room for bytes", async () => {
    const config = { ...small, vocab_size: 256 };
    await expect(synthesize(config, async () => {}, { type: "Q4_0", name: "" })).rejects.toThrow(
      "vocab_size: expected room for 256 bytes and 16 special tokens, found 256 with bos_token_id 1.",
    );
  });
});

describe("the published shapes", () => {
  const specials: readonly [keyof typeof shapes, Readonly<Record<string, number>>][] = [
    [
      "lfm2-8b-a1b",
      {
        "<|pad|>": 0,
        "<|startoftext|>": 1,
        "<|im_start|>": 6,
        "<|im_end|>": 7,
        "<|tool_list_start|>": 8,
        "<|tool_call_start|>": 10,
        "<|tool_response_end|>": 13,
        "<|reserved_4|>": 14,
        "<|reserved_385|>": 395,
        "<think>": 64400,
        "</think>": 64401,
      },
    ],
    [
      "lfm2.5-8b-a1b",
      {
        "<|pad|>": 124893,
        "<|startoftext|>": 124894,
        "<|endoftext|>": 124895,
        "<|im_start|>": 124899,
        "<|im_end|>": 124900,
        "<think>": 124901,
        "</think>": 124902,
        "<|tool_call_start|>": 124905,
        "<|tool_call_end|>": 124906,
      },
    ],
  ];
  for (const [name, ids] of specials) {
    it(`${name}: a tokenizer of true size, special tokens in their places`, async () => {
      const raw = withLayers(shapes[name], 1);
      // The header and no more: the weights would be 200 MB.
      const header: Uint8Array<ArrayBuffer>[] = [];
      const enough = new Error("enough");
      const first = async (bytes: Uint8Array) => {
        header.push(bytes.slice());
        throw enough;
      };
      await expect(synthesize(raw, first, { type: "Q4_0", name })).rejects.toBe(enough);
      const { metadata } = await readGgufHeader(blobSource("header", new Blob(header)));
      const stored = tokenizerOfGguf("header", metadata);
      const source = stored && readTokenizer(stored);
      if (source?.kind !== "gguf") throw new Error("expected a tokenizer");
      expect(source.tokens).toHaveLength(Number(raw.vocab_size));
      expect(new Set(source.tokens).size).toBe(source.tokens.length);
      for (const [text, id] of Object.entries(ids)) expect([text, source.tokens[id]]).toEqual([text, text]);
      const tokenizer = createTokenizer(source);
      expect([tokenizer.bosId, tokenizer.eosIds[0]]).toEqual([ids["<|startoftext|>"], ids["<|im_end|>"]]);
      const text = "<|im_start|>user\nbako bakodu, naïve 😀!<|im_end|>";
      const encoded = tokenizer.encode(text);
      expect(encoded[0]).toBe(ids["<|im_start|>"]);
      expect(encoded.map((id) => source.tokens[id])).toContain("Ġbakodu");
      expect(tokenizer.decode(encoded)).toBe(text);
    });
  }

  it("may be cut to their first layers", () => {
    const config = readConfig(withLayers(shapes["lfm2-8b-a1b"], 3));
    expect([config.layerTypes, config.numDenseLayers]).toEqual([["conv", "conv", "full_attention"], 2]);
    expect(readConfig(withLayers(shapes["lfm2-8b-a1b"], 1)).numDenseLayers).toBe(1);
  });
});
