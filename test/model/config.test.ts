// The config of a checkpoint: what is read, what is refused, and in which words.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/model/config.ts";
import { ConfigError } from "../../src/model/config-keys.ts";
import { rotationOf } from "../../src/model/rope.ts";
import { golden } from "./run.ts";

const read = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(golden(`transformers/${name}/config.json`), "utf8"));
const moe = read("moe-small");
const dense = read("dense-small");

describe("readConfig", () => {
  it("reads every number of a sparse checkpoint", () => {
    expect(readConfig(read("moe-no-bias"))).toEqual({
      modelType: "lfm2_moe",
      vocabSize: 320,
      hiddenSize: 64,
      intermediateSize: 96,
      numHiddenLayers: 4,
      layerTypes: ["full_attention", "conv", "conv", "full_attention"],
      numAttentionHeads: 4,
      numKeyValueHeads: 4,
      headDim: 16,
      convLCache: 4,
      normEps: 1e-5,
      ropeTheta: 5e6,
      ropeScaling: null,
      maxPositionEmbeddings: 512,
      tieWordEmbeddings: true,
      numDenseLayers: 0,
      numExperts: 8,
      numExpertsPerTok: 4,
      moeIntermediateSize: 32,
      normTopkProb: true,
      routedScalingFactor: 1,
      useExpertBias: false,
    });
  });

  it("adjusts the width of a dense feed-forward as transformers does", () => {
    // int(2 · 192 / 3) = 128, a multiple of 32 already.
    expect(readConfig(dense).intermediateSize).toBe(128);
    // LFM2-1.2B: int(2 · 12288 / 3) = 8192.
    const of = (more: object) => readConfig({ ...dense, ...more }).intermediateSize;
    expect(of({ intermediate_size: 12288, block_multiple_of: 256 })).toBe(8192);
    expect(of({ block_ff_dim: 6656, block_multiple_of: 256 })).toBe(4608); // LFM2-350M: int(4437.3) up to a multiple of 256
    expect(of({ intermediate_size: 200, block_multiple_of: 256, block_auto_adjust_ff_dim: false })).toBe(200);
    // int(2 · 200 / 3) = 133, not 133.3 rounded to 134 after a multiplier; without one nothing is rounded up.
    expect(of({ intermediate_size: 200, block_ffn_dim_multiplier: null })).toBe(133);
    expect(of({ intermediate_size: 199, block_ffn_dim_multiplier: null })).toBe(132);
  });

  it("takes a RoPE base beside rope_parameters as well as inside them, and an eps of its own", () => {
    const of = (more: object) => readConfig({ ...moe, ...more });
    expect(of({ rope_theta: 5e6, rope_parameters: { rope_type: "default" } }).ropeTheta).toBe(5e6);
    expect(of({ rope_theta: 5e6, rope_parameters: { rope_theta: 1e7 } }).ropeTheta).toBe(1e7);
    expect(of({ rope_theta: 5e6, rope_parameters: undefined }).ropeTheta).toBe(5e6);
    expect(of({ norm_eps: 1e-6 }).normEps).toBe(1e-6);
    expect(of({ conv_L_cache: undefined }).convLCache).toBe(3);
    expect(of({ tie_word_embeddings: undefined, tie_embedding: false }).tieWordEmbeddings).toBe(false);
  });

  it("ties as tie_embedding says, where both names are stated and differ", () => {
    const of = (more: object) => readConfig({ ...moe, ...more }).tieWordEmbeddings;
    expect(of({ tie_word_embeddings: true, tie_embedding: false })).toBe(false);
    expect(of({ tie_word_embeddings: false, tie_embedding: true })).toBe(true);
    expect(of({ tie_word_embeddings: false })).toBe(false);
  });

  it("takes transformers' defaults for what is not stated", () => {
    expect(readConfig({ model_type: "lfm2" })).toMatchObject({
      ...{ vocabSize: 65536, hiddenSize: 2560, intermediateSize: 8192, numHiddenLayers: 32, numAttentionHeads: 32 },
      ...{ numKeyValueHeads: 8, headDim: 80, maxPositionEmbeddings: 128000, ropeTheta: 1e6, ropeScaling: null },
      layerTypes: Array(32).fill("full_attention"),
    });
    expect(readConfig({ model_type: "lfm2_moe", layer_types: Array(32).fill("conv") })).toMatchObject({
      ...{ hiddenSize: 2048, intermediateSize: 7168, moeIntermediateSize: 1792, numExperts: 32, numExpertsPerTok: 4 },
      ...{ numDenseLayers: 2, useExpertBias: true, normTopkProb: true, routedScalingFactor: 1, convLCache: 3 },
    });
  });

  it("takes conv_bias null for none, and the older name of attention layers", () => {
    expect(readConfig({ ...moe, conv_bias: null })).toEqual(readConfig(moe));
    const older = (moe.layer_types as string[]).map((type) => type.replace("full_", ""));
    expect(readConfig({ ...moe, layer_types: older })).toEqual(readConfig(moe));
  });

  it("takes RoPE scaling from every place and under every name that transformers has for it", () => {
    const of = (more: object) => {
      const { ropeTheta, ropeScaling } = readConfig({ ...moe, rope_parameters: undefined, ...more });
      return { ropeTheta, ropeScaling };
    };
    const linear = { ropeTheta: 5e6, ropeScaling: { ropeType: "linear", factor: 4 } };
    expect(of({ rope_parameters: { rope_type: "linear", factor: 4, rope_theta: 5e6 } })).toEqual(linear);
    expect(of({ rope_parameters: { type: "linear", factor: 4 }, rope_theta: 5e6 })).toEqual(linear);
    expect(of({ rope_scaling: { type: "linear", factor: 4 }, rope_theta: 5e6 })).toEqual(linear);
    const inner = { rope_type: "linear", factor: 4 };
    expect(of({ rope_parameters: { full_attention: inner, conv: null }, rope_theta: 5e6 })).toEqual(linear);
    // What rope_scaling says counts before rope_parameters, unless it says nothing.
    const plain = { rope_type: "default", rope_theta: 5e6 };
    expect(of({ rope_parameters: plain, rope_scaling: { ...inner, rope_theta: 5e6 } })).toEqual(linear);
    expect(of({ rope_parameters: { ...inner, rope_theta: 5e6 }, rope_scaling: null })).toEqual(linear);
    expect(of({ rope_parameters: { ...inner, rope_theta: 5e6 }, rope_scaling: {} })).toEqual(linear);
    const yarn = of({ rope_scaling: { type: "yarn", factor: 4 }, original_max_position_embeddings: 128 });
    expect(yarn.ropeScaling).toEqual({
      ...{ ropeType: "yarn", factor: 4, originalMaxPositionEmbeddings: 128, betaFast: 32, betaSlow: 1, truncate: true },
      attentionFactor: 0.1 * Math.log(4) + 1,
    });
  });

  it("takes layer types from full_attn_idxs where older configs have only those", () => {
    const config = readConfig({ ...dense, layer_types: undefined, full_attn_idxs: [2, 4] });
    expect(config.layerTypes).toEqual(dense.layer_types);
  });

  const refused: [string, Record<string, unknown>, string][] = [
    [
      "another architecture",
      { model_type: "llama" },
      'model_type: expected "lfm2_moe" or "lfm2", found "llama". This project runs the LFM2 family only; open an LFM2 checkpoint.',
    ],
    ["no architecture", { model_type: undefined }, 'model_type: expected "lfm2_moe" or "lfm2", found nothing.'],
    [
      "a bias in the convolutions",
      { conv_bias: true },
      "conv_bias: expected false: convolutions have no bias, found true.",
    ],
    ...["longrope", "llama3", "dynamic", "proportional", "mrope", null].map((kind): (typeof refused)[number] => [
      `RoPE scaling of the kind ${kind}`,
      { rope_parameters: { rope_type: kind, factor: 2 } },
      `rope_parameters.rope_type: expected "default", "linear" or "yarn", found ${JSON.stringify(kind)}.`,
    ]),
    [
      "RoPE scaling of another kind in older words",
      { rope_scaling: { type: "su" } },
      'rope_scaling.type: expected "default", "linear" or "yarn", found "su".',
    ],
    [
      "scaling without a factor",
      { rope_parameters: { full_attention: { type: "linear" } } },
      "rope_parameters.full_attention.factor: expected a number in [0.001, 1000000], found nothing.",
    ],
    [
      "YaRN on a base of 1",
      { rope_parameters: { type: "yarn", factor: 2, rope_theta: 1 } },
      "rope_parameters.rope_theta: expected more than 1 with YaRN, found 1.",
    ],
    [
      "no RoPE in attention layers",
      { rope_parameters: { full_attention: null } },
      "rope_parameters.full_attention: expected the RoPE of attention layers, found null.",
    ],
    [
      "RoPE for all layers beside RoPE by layer type",
      { rope_parameters: { full_attention: { rope_type: "default" }, rope_theta: 1e4 } },
      "rope_parameters.rope_theta: expected none beside the layer types, found 10000.",
    ],
    ["null for a flag that is true by default", { norm_topk_prob: null }, "expected true or false, found null."],
    ["a text for a number", { hidden_size: "64" }, 'hidden_size: expected an integer in [4, 65536], found "64".'],
    ["a fraction for an integer", { num_experts: 7.5 }, "num_experts: expected an integer in [1, 4096], found 7.5."],
    [
      "a huge vocabulary",
      { vocab_size: 2 ** 40 },
      "vocab_size: expected an integer in [1, 16777216], found 1099511627776.",
    ],
    [
      "a negative number of layers",
      { num_hidden_layers: -1 },
      "num_hidden_layers: expected an integer in [1, 1024], found -1.",
    ],
    [
      "null for a width",
      { moe_intermediate_size: null },
      "moe_intermediate_size: expected an integer in [4, 1048576], found null.",
    ],
    [
      "more chosen experts than experts",
      { num_experts_per_tok: 9 },
      "num_experts_per_tok: expected an integer in [1, 8], found 9.",
    ],
    [
      "heads that do not share evenly",
      { num_attention_heads: 4, num_key_value_heads: 3 },
      "num_attention_heads: expected a multiple of 3 (num_key_value_heads), found 4.",
    ],
    ["heads whose products would overflow", { head_dim: 528 }, "head_dim: expected an integer in [4, 512], found 528."],
    [
      "a list of the wrong length",
      { layer_types: ["conv"] },
      'layer_types: expected 6 entries, each "conv" or "full_attention", found ["conv"].',
    ],
    [
      "an unknown layer type",
      { layer_types: Array(6).fill("mamba") },
      'layer_types: expected 6 entries, each "conv" or "full_attention", found ["mamba",',
    ],
    [
      "no layer types at all",
      { layer_types: undefined },
      "layer_types: expected a list of layer types, or full_attn_idxs in [0, 6), found nothing and nothing.",
    ],
    ["a flag that is a number", { norm_topk_prob: 1 }, "norm_topk_prob: expected true or false, found 1."],
    ["an eps of NaN", { norm_eps: Number.NaN }, "norm_eps: expected a number in [0, 1], found null."],
  ];
  it.each(refused)("refuses %s", (_, change, message) => {
    expect(() => readConfig({ ...moe, ...change })).toThrow(message);
    expect(() => readConfig({ ...moe, ...change })).toThrow(ConfigError);
  });

  it("throws nothing but ConfigError, whatever JSON stands in one key", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(moe)), fc.jsonValue(), (key, value) => {
        try {
          readConfig({ ...moe, [key]: value });
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
    );
  });
});

describe("rotationOf", () => {
  it("is within one unit in the last place of theta^(−2j/headDim)", () => {
    for (const theta of [1e6, 5e6, 1e7]) {
      const config = readConfig({ ...moe, head_dim: 64, rope_parameters: { rope_theta: theta } });
      for (const [j, value] of rotationOf(config).inverseFrequency.entries()) {
        // Two roundings to float32, each half a unit, and one of the exponent, which ln θ multiplies.
        expect(Math.abs(value / theta ** ((-2 * j) / 64) - 1)).toBeLessThan(2 ** -23 + Math.log(theta) * 2 ** -25);
      }
    }
  });
});
