// The reference against Hugging Face transformers in float32, and the kernels against the reference.
import { describe, expect, it } from "vitest";
import type { ExpertIds, Tensor } from "../../src/ops/ops.ts";
import { gap } from "../ops/harness.ts";
import { type GoldenTensor, goldenTensors, load, logitsOf, open } from "./run.ts";

const every = [1, 2, 3, 17, 64];
/** Within the context that YaRN or linear scaling starts from, and beyond it. */
const stretched = [3, 17, 100];
const models: [name: string, lengths: number[]][] = [
  ["moe-small", every],
  ["moe-wide-heads", every],
  ["moe-no-norm", every],
  ["moe-no-bias", every],
  ["dense-small", every],
  ["moe-yarn", stretched],
  ["dense-yarn", stretched],
  ["dense-linear", stretched],
];

/**
 * transformers itself differs by about 1e-5 between one pass and token by token, and a float64 forward by up to 1.8e-5
 * from these files: sums of up to 512 float32 products in another order, through up to six layers.
 */
const TRANSFORMERS_TOLERANCE = 4e-5;
/** Both are float32; the kernels add four lanes at a time. */
const KERNEL_TOLERANCE = 1e-4;

const isIds = (result: Tensor | ExpertIds): result is ExpertIds => "k" in result;

describe.each(models)("%s", (name, lengths) => {
  const checkpoint = () => open(`transformers/${name}`);

  it.each(lengths)("has transformers' logits at every one of %i positions, in the reference", async (length) => {
    const golden = await goldenTensors(`transformers/${name}/len${length}.safetensors`);
    const loaded = await load(await checkpoint(), { backend: "reference" });
    const logits = logitsOf(loaded, golden.get("input_ids")?.data as Int32Array, length);
    expect(gap(logits, golden.get("logits")?.data as Float32Array)).toBeLessThanOrEqual(TRANSFORMERS_TOLERANCE);
  });

  it.each(lengths.filter((length) => length <= 17))(
    "has every traced tensor of transformers over %i positions, in both backends",
    async (length) => {
      const golden = await goldenTensors(`transformers/${name}/len${length}.safetensors`);
      const ids = golden.get("input_ids")?.data as Int32Array;
      const order = new Map([...golden].filter(([path]) => path.endsWith(".experts")));
      for (const backend of ["reference", "wasm"] as const) {
        const loaded = await load(await checkpoint(), { backend, mode: "exact" });
        const { memory } = loaded.model;
        const seen = new Set<string>();
        const logits = logitsOf(loaded, ids, length, {
          result(path, result) {
            const want = golden.get(path);
            if (want === undefined) return;
            seen.add(path);
            if (isIds(result)) {
              expect(memory.readIds(result), path).toEqual(ascending(want));
            } else {
              const data = path.endsWith(".gate.weights")
                ? byExpert(want, order.get(path.replace(/weights$/, "experts")))
                : (want.data as Float32Array);
              const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
              expect(gap(memory.read(result), data), path).toBeLessThanOrEqual(TRANSFORMERS_TOLERANCE * largest);
            }
          },
        });
        expect(gap(logits, golden.get("logits")?.data as Float32Array)).toBeLessThanOrEqual(TRANSFORMERS_TOLERANCE);
        // Every tensor of the file was met, whatever it is called.
        expect([...golden.keys()].filter((path) => !seen.has(path)).sort()).toEqual(["input_ids", "logits"]);
      }
    },
  );

  const longest = Math.max(...lengths);
  it(`has the reference's logits and experts in the kernels, exact mode, over ${longest} positions`, async () => {
    const golden = await goldenTensors(`transformers/${name}/len${longest}.safetensors`);
    const ids = golden.get("input_ids")?.data as Int32Array;
    const run = async (backend: "reference" | "wasm") => {
      const loaded = await load(await checkpoint(), { backend, mode: "exact" });
      const experts: number[] = [];
      const logits = logitsOf(loaded, ids, longest, {
        result(_, result) {
          if (isIds(result)) experts.push(...loaded.model.memory.readIds(result));
        },
      });
      return { logits, experts };
    };
    const [reference, wasm] = [await run("reference"), await run("wasm")];
    expect(gap(wasm.logits, reference.logits)).toBeLessThanOrEqual(KERNEL_TOLERANCE);
    expect(wasm.experts).toEqual(reference.experts);
    expect(wasm.experts.length > 0).toBe(name.startsWith("moe-"));
  });
});

/** transformers lists a token's experts by score; here they ascend. */
function ascending({ data, shape: [rows, k] }: GoldenTensor): Int32Array {
  const sorted = Int32Array.from(data);
  for (let t = 0; t < rows; t++) sorted.subarray(t * k, (t + 1) * k).sort();
  return sorted;
}

/** Weights in the order of ascending experts. */
function byExpert({ data, shape: [rows, k] }: GoldenTensor, experts: GoldenTensor | undefined): Float32Array {
  const sorted = Float32Array.from(data);
  for (let t = 0; t < rows; t++) {
    const ids = experts?.data.subarray(t * k, (t + 1) * k) as Int32Array;
    const order = Array.from(ids.keys()).sort((a, b) => ids[a] - ids[b]);
    for (const [j, from] of order.entries()) sorted[t * k + j] = data[t * k + from];
  }
  return sorted;
}
