import { describe, expect, it } from "vitest";
import type { FormatName } from "../../src/blocks/formats.ts";
import type { QuantizationType } from "../../src/formats/gguf/file-types.ts";
import { bytesOfTensor } from "../../src/formats/streamed-tensor.ts";
import { readConfig } from "../../src/model/config.ts";
import { parametersOf, tensorNameOf, tensorShapeOf } from "../../src/parameters/find-parameters.ts";
import { mixOf } from "../../src/quantize/mix.ts";
import { shapes } from "../../src/synth/shapes.ts";

function tensorsOf(raw: Readonly<Record<string, unknown>>) {
  return parametersOf(readConfig(raw)).map((spec) => ({ name: tensorNameOf(spec), shape: tensorShapeOf(spec) }));
}

/** Names of the tensors in a format. */
function namesIn(format: FormatName, mix: ReadonlyMap<string, FormatName>): string[] {
  return [...mix].filter(([, own]) => own === format).map(([name]) => name);
}

describe("mixes of block formats", () => {
  // Bytes of all tensors: llama-bench's "size" of the published files where it is known, else the same rule on paper.
  const published: readonly [QuantizationType, lfm2: number, lfm2_5: number][] = [
    ["Q4_0", 4_731_500_288, 4_836_439_808],
    ["Q4_K_M", 5_042_386_688, 5_147_326_208],
    ["Q5_K_M", 5_917_161_216, 6_022_100_736],
    ["Q6_K", 6_846_609_152, 6_951_548_672],
    ["Q8_0", 8_866_035_456, 9_001_957_120],
    ["F16", 16_683_169_536, 16_939_022_080],
    ["BF16", 16_683_169_536, 16_939_022_080],
  ];
  for (const [type, ...sizes] of published) {
    it(`have the published sizes of LFM2-8B-A1B and LFM2.5-8B-A1B in ${type}`, () => {
      const found = [shapes["lfm2-8b-a1b"], shapes["lfm2.5-8b-a1b"]].map((raw) => {
        const tensors = tensorsOf(raw);
        const mix = mixOf(type, tensors);
        return tensors.reduce(
          (sum, tensor) => sum + bytesOfTensor({ ...tensor, format: mix.get(tensor.name) as FormatName }),
          0,
        );
      });
      expect(found).toEqual(sizes);
    });
  }

  it("give more bits to the tensors that llama.cpp gives them", () => {
    const mix = mixOf("Q4_K_M", tensorsOf(shapes["lfm2-8b-a1b"]));
    const layers = (kind: string, numbers: number[]) => numbers.map((n) => `model.layers.${n}.${kind}`);
    expect(namesIn("Q6_K", mix).sort()).toEqual(
      [
        "model.embed_tokens.weight",
        ...layers("feed_forward.w2.weight", [0, 1]),
        ...layers("feed_forward.experts.w2", [2, 5, 8, 11, 14, 17, 20, 21, 22, 23]),
        ...layers("self_attn.v_proj.weight", [10, 21]),
      ].sort(),
    );
    expect(namesIn("Q4_K", mix)).toHaveLength(118);
    expect(namesIn("F32", mix)).toHaveLength(123);
  });

  it("keep vectors, taps and routers in F32", () => {
    const mix = mixOf("Q8_0", tensorsOf(shapes["lfm2-8b-a1b"]));
    const kept = new Set(namesIn("F32", mix).map((name) => name.replace(/\.\d+\./, ".N.")));
    expect([...kept].sort()).toEqual([
      "model.embedding_norm.weight",
      "model.layers.N.conv.conv.weight",
      "model.layers.N.feed_forward.expert_bias",
      "model.layers.N.feed_forward.gate.weight",
      "model.layers.N.ffn_norm.weight",
      "model.layers.N.operator_norm.weight",
      "model.layers.N.self_attn.k_layernorm.weight",
      "model.layers.N.self_attn.q_layernorm.weight",
    ]);
  });

  it("give the head of a model that has one the embedding's bits, and the embedding the rest's", () => {
    const tensors = ["model.embed_tokens.weight", "lm_head.weight"].map((name) => ({ name, shape: [64, 256] }));
    expect([...mixOf("Q4_0", tensors).values()]).toEqual(["Q4_0", "Q6_K"]);
  });

  it("fall back where rows do not fill blocks", () => {
    const name = "model.layers.0.conv.in_proj.weight";
    const found = (type: QuantizationType, cols: number) => mixOf(type, [{ name, shape: [8, cols] }]).get(name);
    expect(found("Q4_K_M", 128)).toBe("Q5_0");
    expect(found("Q5_K_M", 128)).toBe("Q5_1");
    expect(found("Q6_K", 128)).toBe("Q8_0");
    expect(found("Q4_0", 128)).toBe("Q4_0");
    for (const type of ["Q4_0", "Q8_0", "Q4_K_M", "Q5_K_M", "Q6_K"] as const) expect(found(type, 48)).toBe("F16");
    expect(found("BF16", 48)).toBe("BF16");
  });
});
