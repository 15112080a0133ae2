// The router's small print: the 1e-6 under the weights, a bias that only chooses, a head of its own where not tied.
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/model/config.ts";
import { router } from "../../src/model/router.ts";
import type { SparseWeights } from "../../src/model/weights.ts";
import { type Matrix, rigs } from "../ops/harness.ts";
import { load, logitsOf, open } from "./run.ts";

const EXPERTS = 4;
const HIDDEN = 16;

/** One token whose router logits are exactly `logits`, with `bias`. */
function route(logits: number[], bias: number[], more: object = {}) {
  const gate = new Float32Array(EXPERTS * HIDDEN);
  for (const [e, logit] of logits.entries()) gate[e * HIDDEN] = logit;
  const x = new Float32Array(HIDDEN);
  x[0] = 1;
  const matrices: Record<string, Matrix> = {
    gate: { rows: EXPERTS, cols: HIDDEN, data: gate, role: "router" },
    bias: { rows: 1, cols: EXPERTS, data: Float32Array.from(bias), role: "vector" },
    x: { rows: 1, cols: HIDDEN, data: x },
  };
  const config = readConfig({
    model_type: "lfm2_moe",
    vocab_size: 8,
    hidden_size: HIDDEN,
    intermediate_size: 16,
    moe_intermediate_size: 16,
    num_hidden_layers: 1,
    num_dense_layers: 0,
    layer_types: ["conv"],
    num_attention_heads: 1,
    num_key_value_heads: 1,
    num_experts: EXPERTS,
    num_experts_per_tok: 2,
    ...more,
  });
  return rigs(matrices).map(({ ops, memory, tensor, weight }) => {
    const w = { path: "ff", gate: weight("gate"), expertBias: weight("bias") } as unknown as SparseWeights;
    const { experts, weights } = router(ops, config, w, tensor("x"));
    return { experts: [...memory.readIds(experts)], weights: [...memory.read(weights)] };
  });
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

describe("router", () => {
  it("adds 1e-6 to the sum of the chosen scores before dividing by it", () => {
    // Scores of 8.3e-7: the 1e-6 is as large as they are.
    const score = sigmoid(-14);
    for (const { weights } of route([-14, -14, -40, -40], [0, 0, 0, 0])) {
      for (const weight of weights) expect(weight).toBeCloseTo(score / (2 * score + 1e-6), 6);
    }
  });

  it("chooses by score plus bias, and weighs by score alone", () => {
    for (const { experts, weights } of route([2, 1, 0, -1], [0, 0, 0, 5])) {
      expect(experts).toEqual([0, 3]);
      const sum = sigmoid(2) + sigmoid(-1) + 1e-6;
      expect(weights[0]).toBeCloseTo(sigmoid(2) / sum, 6);
      expect(weights[1]).toBeCloseTo(sigmoid(-1) / sum, 6);
    }
  });

  it("leaves the scores as they are without normalization, and scales them", () => {
    const more = { norm_topk_prob: false, routed_scaling_factor: 2.5 };
    for (const { weights } of route([2, 1, 0, -1], [0, 0, 0, 0], more)) {
      expect(weights[0]).toBeCloseTo(2.5 * sigmoid(2), 6);
      expect(weights[1]).toBeCloseTo(2.5 * sigmoid(1), 6);
    }
  });
});

describe("a head of its own", () => {
  it("is used where the embedding is not tied to it", async () => {
    const ids = Int32Array.of(20, 30, 40);
    const run = async (head: string | undefined) => {
      const checkpoint = await open("transformers/moe-small");
      const tensors = new Map(checkpoint.tensors);
      const source = head && tensors.get(head);
      // Rows of in_proj [192, 64] serve as another matrix of the right width.
      if (source) tensors.set("lm_head.weight", { ...source, name: "lm_head.weight", nameInFile: undefined });
      const config = { ...checkpoint.config, tie_word_embeddings: head === undefined };
      return logitsOf(await load({ ...checkpoint, tensors, config }, { mode: "exact" }), ids, 3);
    };
    const tied = await run(undefined);
    expect(await run("model.embed_tokens.weight")).toEqual(tied);
    await expect(run("model.layers.0.conv.in_proj.weight")).rejects.toThrow("lm_head.weight: expected shape [320, 64]");
    const checkpoint = await open("transformers/moe-small");
    const embedding = checkpoint.tensors.get("model.embed_tokens.weight");
    if (embedding === undefined) throw new Error("no embedding");
    // The embedding without its first row, and the row after its last: every logit moves up by one place.
    const [part] = embedding.parts;
    const moved = { ...embedding, parts: [{ ...part, offset: part.offset + 64 * 2 }] };
    const tensors = new Map(checkpoint.tensors).set("lm_head.weight", moved);
    const config = { ...checkpoint.config, tie_word_embeddings: false };
    const shifted = logitsOf(await load({ ...checkpoint, tensors, config }, { mode: "exact" }), ids, 3);
    expect(shifted.subarray(0, 319)).toEqual(tied.subarray(1, 320));
  });
});
