// Bytes that a token reads, against sums done by hand.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { kvTraffic, weightTraffic } from "../../src/bench/product/traffic.ts";
import { blockFormats, type FormatName, rowBytes } from "../../src/blocks/formats.ts";
import type { StoredTensor } from "../../src/formats/checkpoint.ts";
import { readConfig } from "../../src/model/config.ts";
import { createWeights } from "../../src/model/weights.ts";
import type { Weight } from "../../src/ops/ops.ts";

const raw = JSON.parse(readFileSync(new URL("../../src/picture/lfm2-8b-a1b.json", import.meta.url), "utf8"));
const published = readConfig(raw);

function stored(name: string, bytes: number): [string, StoredTensor] {
  return [name, { name, format: "F32", shape: [bytes / 4], parts: [{ file: 0, offset: 0, bytes }] }];
}

describe("the weights that a token reads", () => {
  // One layer, two tensors of experts, of which 4 in 32 are chosen.
  const tensors: readonly [string, number][] = [
    ["model.embed_tokens.weight", 65536 * 8],
    ["model.embedding_norm.weight", 100],
    ["model.layers.2.self_attn.q_proj.weight", 4000],
    ["model.layers.2.feed_forward.gate.weight", 640],
    ["model.layers.2.feed_forward.expert_bias", 128],
    ["model.layers.2.feed_forward.experts.w1.weight", 32 * 1000],
    ["model.layers.2.feed_forward.experts.w2.weight", 32 * 500],
  ];
  const dense = 100 + 4000 + 640 + 128;
  const experts = 4 * 1500;

  it("are everything once, of the experts the chosen ones, and a tied head whole", () => {
    const tied = new Map(tensors.map(([name, bytes]) => stored(name, bytes)));
    expect(weightTraffic(published, tied)).toEqual({ dense, experts, head: 524288, total: 4868 + 6000 + 524288 });
  });

  it("are one row of an embedding that is no head", () => {
    const untied = new Map([...tensors, ["lm_head.weight", 2000] as const].map(([name, bytes]) => stored(name, bytes)));
    const traffic = weightTraffic({ ...published, tieWordEmbeddings: false }, untied);
    expect(traffic).toEqual({ dense: dense + 8, experts, head: 2000, total: 4868 + 8 + 6000 + 2000 });
  });

  it("are 916 MB in LFM2-8B-A1B, Q4_0 with a Q6_K head", () => {
    const tensors = new Map<string, StoredTensor>();
    createWeights(published, ({ path, role, rows, cols, experts }) => {
      const format: FormatName = path === "model.embed_tokens" ? "Q6_K" : role === "matrix" ? "Q4_0" : "F32";
      const bytes = experts * rows * rowBytes(blockFormats[format], cols);
      tensors.set(path, { name: path, format, shape: [], parts: [{ file: 0, offset: 0, bytes }] });
      return {} as Weight;
    });
    const { dense, experts, head, total } = weightTraffic(published, tensors);
    expect(head).toBe(65536 * (2048 / 256) * 210); // 110.1 MB
    expect(experts).toBe(22 * 4 * 3 * 1792 * (2048 / 32) * 18); // 545.0 MB
    expect(dense / 1e6).toBeCloseTo(169.9 + 35.4 + 49.5 + 5.8, -0.5); // convolutions, attention, dense layers, routers
    expect(total / 1e6).toBeCloseTo(916, -0.5);
  });
});

describe("the keys and values that a token reads for each position", () => {
  it("are those of six attention layers with eight heads of 64", () => {
    expect(kvTraffic(published, "f32")).toBe(6 * 2 * 8 * 64 * 4);
    expect(kvTraffic(published, "f16")).toBe(6 * 2 * 8 * 64 * 2);
    expect(kvTraffic(published, "int8")).toBe(6 * 2 * 8 * (64 + 4));
  });
});
