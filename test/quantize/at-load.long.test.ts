// Quantizing at load gives the model that quantizing to a file gives.
import { describe, expect, it } from "vitest";
import type { QuantizationType } from "../../src/formats/gguf/file-types.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import { quantize } from "../../src/quantize/quantize.ts";
import { closeAll } from "../formats/golden-files.ts";
import { load, logitsOf } from "../model/run.ts";
import { openBytes, openGolden, written } from "./collect.ts";

const ids = Int32Array.of(1, 6, 330, 214, 57, 7, 19, 2000);

async function logits(
  source: Parameters<typeof load>[0],
  options: ModelOptions,
): Promise<{ logits: Float32Array; bytes: number }> {
  const loaded = await load(source, { contextLength: 64, threads: 1, ...options });
  return { logits: logitsOf(loaded, ids, ids.length), bytes: loaded.backend.bytes };
}

describe("quantizing at load", () => {
  const cases: readonly [QuantizationType, ModelOptions][] = [
    ["Q4_0", { backend: "reference" }],
    ["Q8_0", { backend: "reference" }],
    ["Q4_K_M", { backend: "wasm", mode: "exact" }],
    ["Q4_0", { backend: "wasm", mode: "int8" }],
    ["Q8_0", { backend: "wasm", mode: "int8", bankBytes: 4 << 20 }],
    ["BF16", { backend: "wasm", mode: "exact" }],
  ];
  for (const [type, options] of cases) {
    const { backend, mode = "exact" } = options;
    it(`gives the bits of the file in ${type}, ${backend} ${mode}`, async () => {
      const folder = await openGolden("nano/hf");
      const file = await written((sink) => quantize(folder, sink, { type, name: "" }));
      await closeAll(folder);
      const fromFile = await logits(await openBytes(file), options);
      const atLoad = await logits(await openGolden("nano/hf"), { ...options, quantize: type });
      expect(atLoad.logits).toEqual(fromFile.logits);
      // The file's routers are in F32, the folder's stay in BF16.
      expect(atLoad.bytes).toBeLessThanOrEqual(fromFile.bytes);
    });
  }

  it("needs the memory of the fewer bits", async () => {
    const whole = await logits(await openGolden("nano/hf"), {});
    const small = await logits(await openGolden("nano/hf"), { quantize: "Q4_0" });
    expect(small.bytes).toBeLessThan(0.65 * whole.bytes);
  });

  it("leaves what is quantized already as it is", async () => {
    const open = () => openGolden("nano", "lfm2-nano-Q4_0.gguf");
    const plain = await logits(await open(), {});
    expect(await logits(await open(), { quantize: "Q8_0" })).toEqual(plain);
  });

  it("refuses a type that is none, by name", async () => {
    const wrong = { quantize: "Q3_X" } as unknown as ModelOptions;
    await expect(logits(await openGolden("nano/hf"), wrong)).rejects.toThrow(
      'quantize: expected Q4_0 or Q8_0 or Q4_K_M or Q5_K_M or Q6_K or F16 or BF16 or F32, found "Q3_X".',
    );
  });
});
