// Infinite weights and NaN are refused by name and place: in every format, by every way in.
import { describe, expect, it } from "vitest";
import type { BlockFormat } from "../../src/blocks/block-format.ts";
import { blockFormats } from "../../src/blocks/formats.ts";
import type { Checkpoint, StoredTensor } from "../../src/formats/checkpoint.ts";
import type { QuantizationType } from "../../src/formats/gguf/file-types.ts";
import { FormatError } from "../../src/formats/refusal.ts";
import { loadModel } from "../../src/load/load.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import { convertToHf } from "../../src/quantize/convert.ts";
import { quantize } from "../../src/quantize/quantize.ts";
import { WeightError } from "../../src/wasm/backend.ts";
import { closeAll } from "../formats/golden-files.ts";
import { context } from "../ops/harness.ts";
import { openBytes, written } from "../quantize/collect.ts";
import { open } from "./run.ts";

/** The checkpoint, in whose files `bytes` stand at byte `at` of a tensor. */
function changed(checkpoint: Checkpoint, name: string, at: number, bytes: Uint8Array): Checkpoint {
  const { parts } = checkpoint.tensors.get(name) as StoredTensor;
  let part = 0;
  for (; at >= parts[part].bytes; part++) at -= parts[part].bytes;
  const target = parts[part];
  const files = checkpoint.files.map((file, index) => ({
    ...file,
    name: file.name,
    async read(offset: number, length: number) {
      const read = await file.read(offset, length);
      const to = target.offset + at - offset;
      if (index === target.file && to >= 0 && to + bytes.length <= length) read.set(bytes, to);
      return read;
    },
  }));
  return { ...checkpoint, files };
}

/** Offsets of a block at which a u16 of all ones gives a weight that is none, found by trying. */
function scalesOf({ blockBytes, blockLength, decode }: BlockFormat): number[] {
  const weights = new Float32Array(blockLength);
  return Array.from({ length: blockBytes - 1 }, (_, i) => i).filter((offset) => {
    const block = new Uint8Array(blockBytes);
    block.fill(0xff, offset, offset + 2);
    decode(block, 0, weights, 0);
    return weights.some((weight) => !Number.isFinite(weight));
  });
}

const W1 = "model.layers.2.feed_forward.experts.w1";

const load = (checkpoint: Checkpoint, options: ModelOptions) => loadModel(checkpoint, options, context);

const modes: readonly ModelOptions[] = [
  { backend: "wasm", mode: "int8" },
  { backend: "wasm", mode: "exact" },
  { backend: "reference" },
];

const quantized = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"];

const floats: readonly [tensor: string, at: number, bytes: number[], found: string][] = [
  ["model.layers.1.ffn_norm.weight", 4 * 7, [0, 0, 0x80, 0x7f], "Infinity at column 7"],
  ["model.embedding_norm.weight", 0, [0, 0, 0xc0, 0xff], "NaN at column 0"],
  ["model.layers.0.conv.conv.weight", 4 * (3 * 5 + 2), [1, 0, 0x80, 0x7f], "NaN at row 5, column 2"],
  ["model.layers.2.feed_forward.expert_bias", 4 * 3, [0, 0, 0x80, 0xff], "-Infinity at column 3"],
  ["model.layers.3.feed_forward.gate.weight", 4 * (256 * 3 + 255), [0, 0, 0xc0, 0x7f], "NaN at row 3, column 255"],
  ["model.layers.1.self_attn.k_layernorm.weight", 4 * 63, [0, 0, 0xc0, 0x7f], "NaN at column 63"],
];

describe("loading", () => {
  it.each([...quantized, "MXFP4"])("refuses %s scales that are no numbers, in every mode", async (name) => {
    const format = blockFormats[name as keyof typeof blockFormats];
    const checkpoint = await open("gguf", `${name}.gguf`);
    const { shape } = checkpoint.tensors.get(W1) as StoredTensor;
    // One block of expert 2, row 133: the second half of a row where it has several.
    const perRow = shape[2] / format.blockLength;
    const block = (2 * shape[1] + 133) * perRow + (perRow >> 1);
    const scales = scalesOf(format);
    expect(scales.length).toBeGreaterThan(0);
    for (const [i, offset] of scales.entries()) {
      const damaged = changed(checkpoint, W1, block * format.blockBytes + offset, Uint8Array.of(0xff, 0xff));
      const error = await load(damaged, modes[i % 3]).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(WeightError);
      expect(error.message).toMatch(
        new RegExp(
          `^${W1}: expected finite weights, found \\S+ at expert 2, row 133, column \\d+, from a scale of its ${name} block\\. `,
        ),
      );
    }
    // What a whole file has in the other modes is held by the tests that run it.
    for (const options of modes) {
      const damaged = changed(checkpoint, W1, block * format.blockBytes + scales[0], Uint8Array.of(0xff, 0xff));
      await expect(load(damaged, options)).rejects.toThrow(`${W1}: expected finite weights`);
    }
    await closeAll(checkpoint);
  });

  it("refuses a number that is none in whatever is no matrix", async () => {
    const checkpoint = await open("gguf", "Q4_0.gguf");
    for (const [name, at, bytes, found] of floats) {
      for (const options of modes) {
        const damaged = changed(checkpoint, name, at, Uint8Array.from(bytes));
        await expect(load(damaged, options)).rejects.toThrow(
          `${name}: expected finite weights, found ${found}. ` +
            "The file is damaged, or its model's training diverged; take another copy.",
        );
      }
    }
    await closeAll(checkpoint);
  });

  const dtypes: readonly [QuantizationType, number[], string][] = [
    ["BF16", [0x80, 0x7f], "Infinity"],
    ["F16", [0x01, 0xfc], "NaN"],
    ["F32", [0, 0, 0x80, 0xff], "-Infinity"],
  ];
  it.each(dtypes)(
    "refuses a %s weight that is none, in every mode and quantized at load",
    async (type, bytes, found) => {
      const folder = await open("transformers/moe-small");
      const checkpoint = await openBytes(await written((sink) => quantize(folder, sink, { type, name: "" })));
      await closeAll(folder);
      const [, rows, cols] = (checkpoint.tensors.get(W1) as StoredTensor).shape;
      const damaged = changed(checkpoint, W1, ((2 * rows + 13) * cols + 41) * bytes.length, Uint8Array.from(bytes));
      for (const options of [...modes, { quantize: "Q8_0" } as const]) {
        await expect(load(damaged, options)).rejects.toThrow(
          `${W1}: expected finite weights, found ${found} at expert 2, row 13, column 41. `,
        );
      }
    },
  );

  it("refuses a weight that the type asked for cannot hold", async () => {
    const folder = await open("transformers/moe-small");
    // About -10⁶, in BF16.
    const million = Uint8Array.of(0x74, 0xc9);
    const name = "model.layers.0.conv.in_proj.weight";
    const large = changed(folder, name, 2 * (64 * 3 + 7), million);
    await load(large, {});
    const loading = load(large, { quantize: "F16" });
    await expect(loading).rejects.toThrow(
      `${name}: expected weights that F16 can hold, found -999424 at row 3, column 7. `,
    );
    const writing = quantize(large, async () => {}, { type: "Q4_0", name: "" });
    await expect(writing).rejects.toThrow(
      `${name}: expected weights that Q4_0 can hold, found -999424 at row 3, column 7. `,
    );
    await closeAll(folder);
  });
});

describe("writing a file", () => {
  const name = "model.layers.0.conv.in_proj.weight";
  const into = (type: QuantizationType) => (checkpoint: Checkpoint) =>
    quantize(checkpoint, async () => {}, { type, name: "" });
  const toHf = (format: "F32" | "BF16") => (checkpoint: Checkpoint) =>
    convertToHf(checkpoint, (_, write) => write(async () => {}), { format });

  it.each([
    [
      "to Q4_0, as it is",
      "Q4_0.gguf",
      into("Q4_0"),
      18 * (8 * 300 + 3),
      [0, 0x7c],
      /found -?(Infinity|NaN) at row 300, /,
    ],
    ["to Q8_0", "Q4_0.gguf", into("Q8_0"), 18 * (8 * 300 + 3), [0, 0x7c], /found -?(Infinity|NaN) at row 300, /],
    ["to safetensors", "Q4_0.gguf", toHf("BF16"), 18 * (8 * 300 + 3), [0, 0x7c], /found -?(Infinity|NaN) at row 300, /],
  ])("refuses scales that are no numbers: %s", async (_, file, write, at, bytes, message) => {
    const checkpoint = await open("gguf", file);
    const writing = write(changed(checkpoint, name, at, Uint8Array.from(bytes)));
    await expect(writing).rejects.toThrow(message);
    await expect(writing).rejects.toBeInstanceOf(FormatError);
    await closeAll(checkpoint);
  });
});
