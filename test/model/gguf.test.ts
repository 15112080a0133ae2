// Sixteen block formats: logits of transformers on the dequantized weights, against both backends and both modes.
import { describe, expect, it } from "vitest";
import { blockFormats, type FormatName } from "../../src/blocks/formats.ts";
import { type LoadContext, loadModel } from "../../src/load/load.ts";
import type { Kernels } from "../../src/wasm/compiled.ts";
import { floatGolden } from "../formats/float-goldens.ts";
import { context, gap } from "../ops/harness.ts";
import { goldenTensors, load, logitsOf, meanKl, open } from "./run.ts";

const formats = Object.keys(blockFormats) as FormatName[];

/** Mean KL of llama.cpp (node-llama-cpp 3.22.1) to the same logits on the same files: golden/gguf/README.md. */
const llamaCpp: Partial<Record<FormatName, number>> = {
  Q4_0: 8.4e-4,
  Q8_0: 1.9e-3,
  Q4_K: 3.9e-4,
  Q5_K: 6.0e-4,
  Q6_K: 5.6e-3,
};
const integer = Object.keys(llamaCpp) as FormatName[];

async function checkpointOf(folder: string, format: FormatName) {
  const made = folder === "gguf" && (format === "F32" || format === "F16" || format === "BF16");
  if (made) return open(folder, { name: `${format}.gguf`, bytes: await floatGolden(format) });
  return open(folder, `${format}.gguf`);
}

async function goldenOf(folder: string, format: FormatName) {
  const golden = await goldenTensors(`${folder}/${format}.safetensors`);
  return { ids: golden.get("input_ids")?.data as Int32Array, logits: golden.get("logits")?.data as Float32Array };
}

const cases: [string, FormatName][] = [
  ...formats.map((format): [string, FormatName] => ["gguf", format]),
  ["gguf-dense", "F32"],
  ["gguf-dense", "Q4_0"],
  ["gguf-dense", "Q8_0"],
];

describe.each(cases)("%s/%s.gguf", (folder, format) => {
  it.each([
    // Float32 sums of 256 to 512 terms in another order than PyTorch's, through four or five layers.
    ["reference", 5e-5],
    ["wasm", 2e-4],
  ] as const)("has the golden logits in %s, exact, within %f", async (backend, tolerance) => {
    const golden = await goldenOf(folder, format);
    const loaded = await load(await checkpointOf(folder, format), { backend, mode: "exact" });
    expect(gap(logitsOf(loaded, golden.ids, 24), golden.logits)).toBeLessThanOrEqual(tolerance);
  });
});

describe("int8 mode", () => {
  const divergences = new Map<FormatName, number>();

  it.each(formats)("%s: runs the integer kernels where the format has them, and nowhere else", async (format) => {
    const golden = await goldenOf("gguf", format);
    const calls = { integer: 0, float: 0 };
    const counted = (plain: Kernels): Kernels => {
      const kernels = { ...plain };
      for (const name of ["linear", "linearPacked", "expertLinear", "expertLinearPacked"] as const) {
        const kernel = kernels[name] as (...args: number[]) => void;
        kernels[name] = (...args: number[]) => {
          // A router's few rows are meant to stay in float32.
          if (name.endsWith("Packed")) calls.integer++;
          else if (args[5] !== 4) calls.float++;
          kernel(...args);
        };
      }
      return kernels;
    };
    const checkpoint = await checkpointOf("gguf", format);
    const startRuntime: LoadContext["startRuntime"] = async (build, threads) => {
      const runtime = await context.startRuntime(build, threads);
      return { ...runtime, instantiate: (memory) => counted(runtime.instantiate(memory)) };
    };
    const loaded = await loadModel(checkpoint, { mode: "int8" }, { ...context, startRuntime });
    await Promise.all(checkpoint.files.map((file) => file.close()));
    const logits = logitsOf(loaded, golden.ids, 24);
    divergences.set(format, meanKl(golden.logits, logits, loaded.model.config.vocabSize));
    if (integer.includes(format)) {
      expect(calls.integer).toBeGreaterThan(20);
      expect(calls.float).toBe(0);
    } else {
      expect(calls.integer).toBe(0);
      // What is left is the f16 KV cache.
      expect(divergences.get(format)).toBeLessThan(1e-6);
    }
  });

  it.each(integer)("%s: diverges at most twice as far as llama.cpp", (format) => {
    expect(divergences.get(format)).toBeLessThanOrEqual(2 * (llamaCpp[format] as number));
    // Eight-bit activations cannot be exact: a zero would mean that another path ran.
    expect(divergences.get(format)).toBeGreaterThan(1e-6);
  });

  it("diverges no further than llama.cpp in the geometric mean over the five formats", () => {
    const ratios = integer.map((format) => (divergences.get(format) as number) / (llamaCpp[format] as number));
    const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
    expect(mean).toBeLessThanOrEqual(1);
  });
});
