// The tiny checkpoint for others' CI: each of its odd numbers shows, and its files say the same.
import { readdirSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { measureGap } from "../../src/oracle/compare/gap.ts";
import { golden, goldenTensors, load, logitsOf, open } from "../model/run.ts";

const FOLDERS = ["transformers/moe-odd", "gguf-odd"];
const ATOL = 4e-5;

async function expected() {
  const tensors = await goldenTensors("transformers/moe-odd/len24.safetensors");
  return {
    ids: Int32Array.from(tensors.get("input_ids")?.data as Int32Array),
    logits: tensors.get("logits")?.data as Float32Array,
  };
}

async function gapOf(checkpoint: Checkpoint): Promise<number> {
  const { ids, logits } = await expected();
  const model = await load(checkpoint, { backend: "wasm", mode: "exact", threads: 1 });
  return measureGap(logitsOf(model, ids, ids.length), logits).maxAbs;
}

describe("the tiny checkpoint with odd numbers", () => {
  it("is small, with all that is expected of it", () => {
    const files = FOLDERS.flatMap((folder) => readdirSync(golden(folder)).map((name) => golden(`${folder}/${name}`)));
    expect(files.reduce((bytes, path) => bytes + statSync(path).size, 0)).toBeLessThan(5_000_000);
  });

  it("says the same as safetensors and as GGUF", async () => {
    expect(await gapOf(await open("transformers/moe-odd"))).toBeLessThan(ATOL);
    expect(await gapOf(await open("gguf-odd", "BF16.gguf"))).toBeLessThan(ATOL);
    const [hf, gguf] = await Promise.all([open("transformers/moe-odd"), open("gguf-odd", "BF16.gguf")]);
    for (const key of ["norm_eps", "num_experts_per_tok", "routed_scaling_factor", "norm_topk_prob", "conv_L_cache"]) {
      expect([key, gguf.config[key]]).toEqual([key, hf.config[key]]);
    }
    await Promise.all([...hf.files, ...gguf.files].map((file) => file.close()));
  });

  const takenForGranted: readonly [key: string, value: unknown][] = [
    ["norm_eps", 1e-5],
    ["rope_parameters", { rope_type: "default", rope_theta: 1_000_000 }],
    ["num_experts_per_tok", 4],
    ["num_experts_per_tok", 2],
    ["routed_scaling_factor", 1],
    ["norm_topk_prob", false],
    ["use_expert_bias", false],
  ];
  it.each(takenForGranted)("shows at once in who has %s built in as %j", async (key, value) => {
    const checkpoint = await open("transformers/moe-odd");
    const gap = await gapOf({ ...checkpoint, config: { ...checkpoint.config, [key]: value } });
    expect(gap).toBeGreaterThan(100 * ATOL);
  });
});
