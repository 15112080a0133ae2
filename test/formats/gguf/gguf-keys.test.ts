// Every key of a GGUF file that llama.cpp reads for LFM2, changed: followed, or refused by name; and all that gguf-py knows.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ggufArchitectureKeys } from "../../../src/formats/gguf/known-keys.ts";
import type { GgufValue } from "../../../src/formats/gguf/value.ts";
import { integers, scalar, strings } from "../../../src/formats/gguf/write.ts";
import { openCheckpoint } from "../../../src/formats/open-checkpoint.ts";
import { type Config, readConfig } from "../../../src/model/config.ts";
import { folderOf, tinyMetadata, tinyTensors } from "../tiny-model.ts";
import { writeGguf } from "./gguf-writer.ts";

const u32 = (value: number) => scalar("u32", value);
const f32 = (value: number) => scalar("f32", value);
const text = (value: string) => scalar("str", value);

/** The config as it is with these keys of lfm2moe, or the message with which the file is refused. */
async function configWith(keys: Record<string, GgufValue>): Promise<Config | string> {
  const metadata = tinyMetadata();
  for (const [key, value] of Object.entries(keys)) metadata.set(`lfm2moe.${key}`, value);
  try {
    const folder = folderOf({ "m.gguf": writeGguf(metadata, tinyTensors()) });
    const { config, keyNames } = await openCheckpoint(folder, "m.gguf");
    return readConfig(config, keyNames);
  } catch (error) {
    return (error as Error).message;
  }
}

const yarn = { "rope.scaling.type": text("yarn"), "rope.scaling.factor": f32(4) };
const plainYarn: Extract<Config["ropeScaling"], { ropeType: "yarn" }> = {
  ropeType: "yarn",
  factor: 4,
  originalMaxPositionEmbeddings: 64,
  betaFast: 32,
  betaSlow: 1,
  truncate: true,
  attentionFactor: 0.1 * Math.log(4) + 1,
};

/**
 * What llama.cpp's llama-model.cpp (load_hparams), models/lfm2.cpp and models/lfm2moe.cpp read, with a value that changes
 * what it computes; beside it what becomes of the config here, or what the refusal says.
 */
const read: readonly [keys: Record<string, GgufValue>, expected: Partial<Config> | string][] = [
  [{ context_length: u32(32) }, { maxPositionEmbeddings: 32 }],
  [{ embedding_length: u32(64) }, { hiddenSize: 64, headDim: 32 }],
  [{ embedding_length_out: u32(16) }, "embedding_length_out"],
  [{ "attention.causal": scalar("bool", false) }, "attention.causal"],
  [{ pooling_type: u32(2) }, "pooling_type"],
  [{ block_count: u32(3) }, "attention.head_count_kv: expected 3 items"],
  [{ expert_count: u32(4) }, { numExperts: 4 }],
  [{ expert_used_count: u32(2) }, { numExpertsPerTok: 2 }],
  [{ expert_group_count: u32(2) }, "expert_group_count"],
  [{ expert_group_used_count: u32(2) }, "expert_group_used_count"],
  [{ feed_forward_length: u32(128) }, { intermediateSize: 128 }],
  [{ feed_forward_length: integers([64, 128]) }, "feed_forward_length"],
  [{ "attention.head_count": u32(1) }, { numAttentionHeads: 1, headDim: 32 }],
  [{ "attention.head_count": integers([2, 1]) }, "attention.head_count"],
  [{ "attention.head_count_kv": integers([1, 1]) }, { layerTypes: ["full_attention", "full_attention"] }],
  [{ "attention.head_count_kv": integers([0, 2]) }, { numKeyValueHeads: 2 }],
  [{ "attention.key_length": u32(32) }, { headDim: 32 }],
  [{ "attention.value_length": u32(32) }, "attention.value_length"],
  [{ "attention.key_length_swa": u32(32) }, "attention.key_length_swa"],
  [{ "attention.value_length_swa": u32(32) }, "attention.value_length_swa"],
  [{ "attention.layer_norm_rms_epsilon": f32(0.5) }, { normEps: 0.5 }],
  [{ "attention.sliding_window": u32(8) }, "attention.sliding_window"],
  [{ "rope.dimension_count": u32(8) }, "rope.dimension_count"],
  [{ "rope.dimension_count_swa": u32(8) }, "rope.dimension_count_swa"],
  [{ "rope.freq_base": f32(5000) }, { ropeTheta: 5000 }],
  [{ "rope.scaling.factor": f32(4) }, { ropeScaling: { ropeType: "linear", factor: 4 } }],
  [{ "rope.scale_linear": f32(4) }, { ropeScaling: { ropeType: "linear", factor: 4 } }],
  [yarn, { ropeScaling: plainYarn }],
  [{ "rope.scaling.type": text("longrope"), "rope.scaling.factor": f32(4) }, "rope.scaling.type"],
  [
    { ...yarn, "rope.scaling.original_context_length": u32(16) },
    { ropeScaling: { ...plainYarn, originalMaxPositionEmbeddings: 16 } },
  ],
  [
    { ...yarn, "rope.scaling.attn_factor": f32(2) },
    { ropeScaling: { ...plainYarn, attentionFactor: 2 * plainYarn.attentionFactor } },
  ],
  [{ "rope.scaling.attn_factor": f32(2) }, "rope.scaling.attn_factor"],
  [{ "rope.scaling.alpha": f32(1000) }, "rope.scaling.alpha"],
  [{ "classifier.output_labels": strings(["yes", "no"]) }, "classifier.output_labels"],
  [{ "shortconv.l_cache": u32(4) }, { convLCache: 4 }],
  [{ leading_dense_block_count: u32(0) }, { numDenseLayers: 0 }],
  [{ expert_feed_forward_length: u32(64) }, { moeIntermediateSize: 64 }],
  [{ expert_gating_func: u32(1) }, "expert_gating_func"],
  [{ vocab_size: u32(8) }, { vocabSize: 8 }],
  // Read of LFM2 by nobody but this project, which writes them.
  [{ expert_weights_norm: scalar("bool", false) }, { normTopkProb: false }],
  [{ expert_weights_scale: f32(2.5) }, { routedScalingFactor: 2.5 }],
  // No number says nothing: 0 means "not set" for some of these, and NaN is no 0.
  [{ expert_weights_scale: f32(Number.NaN) }, "expert_weights_scale"],
  [{ "rope.scaling.factor": f32(Number.NaN) }, "rope.scaling.factor"],
  [{ "attention.sliding_window": f32(Number.NaN) }, "attention.sliding_window"],
  // Of no effect there either.
  [{ "rope.scaling.finetuned": scalar("bool", true) }, {}],
];

describe("a key of a GGUF file", () => {
  it("that llama.cpp reads for LFM2 is followed, or refused by name", async () => {
    const base = (await configWith({})) as Config;
    for (const [keys, expected] of read) {
      const found = await configWith(keys);
      const what = Object.keys(keys).join(", ");
      if (typeof expected === "string") expect(found, what).toContain(`m.gguf, lfm2moe.${expected}`);
      else expect(found, what).toEqual({ ...base, ...expected });
    }
  });

  it("that gguf-py knows is known here, or refused by name", async () => {
    const all: string[] = JSON.parse(
      readFileSync(new URL("../../../golden/config/gguf-keys.json", import.meta.url), "utf8"),
    );
    const known = new Set(ggufArchitectureKeys.flatMap(({ keys }) => keys));
    const others = all.filter((key) => !known.has(key));
    expect([others.length > 70, all.length - others.length > 30]).toEqual([true, true]);
    for (const key of others) {
      expect(await configWith({ [key]: u32(1) })).toMatch(
        `m.gguf, lfm2moe.${key}: expected a key that is known for LFM2`,
      );
    }
  });
});
