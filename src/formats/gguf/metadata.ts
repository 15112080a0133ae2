// A model's config as GGUF metadata: what config.ts translates back.
//
// Sources: llama.cpp conversion/lfm2.py for which keys there are; gguf-py constants.py for their names.

import type { Config } from "../../model/config.ts";
import { yarnMagnitude } from "../../model/rope.ts";
import { FormatError } from "../refusal.ts";
import { fileTypes, type QuantizationType } from "./file-types.ts";
import type { GgufValue } from "./value.ts";
import { integers, scalar } from "./write.ts";

const SIGMOID = 2;
/** Version of the block formats' definitions: 2 since the K-quants came. Source: ggml.h, GGML_QNT_VERSION. */
const QUANTIZATION_VERSION = 2;

export type Metadata = Map<string, GgufValue>;

const u32 = (value: number) => scalar("u32", value);
const f32 = (value: number) => scalar("f32", value);

/** The two keys about blocks. Where a file has them, they keep their places. */
export function setFileType(metadata: Metadata, type: QuantizationType): void {
  metadata.set("general.file_type", u32(fileTypes[type]));
  metadata.set("general.quantization_version", u32(QUANTIZATION_VERSION));
}

/** Everything but tokenizer and template. @param name  the model's, as `general.name` */
export function metadataOf(config: Config, type: QuantizationType, name: string): Metadata {
  const architecture = config.modelType === "lfm2_moe" ? "lfm2moe" : "lfm2";
  const metadata: Metadata = new Map([
    ["general.architecture", scalar("str", architecture)],
    ["general.type", scalar("str", "model")],
    ["general.name", scalar("str", name)],
  ]);
  const set = (key: string, value: GgufValue) => metadata.set(`${architecture}.${key}`, value);
  const { hiddenSize, headDim, numAttentionHeads, numKeyValueHeads, layerTypes } = config;
  set("block_count", u32(config.numHiddenLayers));
  set("context_length", u32(config.maxPositionEmbeddings));
  set("embedding_length", u32(hiddenSize));
  set("feed_forward_length", u32(config.intermediateSize));
  set("attention.head_count", u32(numAttentionHeads));
  set("attention.head_count_kv", integers(layerTypes.map((kind) => (kind === "conv" ? 0 : numKeyValueHeads))));
  if (headDim * numAttentionHeads !== hiddenSize) {
    set("attention.key_length", u32(headDim));
    set("attention.value_length", u32(headDim));
  }
  set("rope.freq_base", f32(config.ropeTheta));
  for (const [key, value] of ropeScalingKeys(config)) set(`rope.scaling.${key}`, value);
  set("attention.layer_norm_rms_epsilon", f32(config.normEps));
  if (architecture === "lfm2moe") {
    set("expert_count", u32(config.numExperts));
    set("expert_used_count", u32(config.numExpertsPerTok));
    set("expert_feed_forward_length", u32(config.moeIntermediateSize));
    set("leading_dense_block_count", u32(config.numDenseLayers));
    set("expert_gating_func", u32(SIGMOID));
    // llama.cpp assumes these two; a model that differs states them for other readers.
    if (!config.normTopkProb) set("expert_weights_norm", scalar("bool", false));
    if (config.routedScalingFactor !== 1) set("expert_weights_scale", f32(config.routedScalingFactor));
  }
  set("vocab_size", u32(config.vocabSize));
  set("shortconv.l_cache", u32(config.convLCache));
  setFileType(metadata, type);
  return metadata;
}

/** As the converter writes them. @throws FormatError for what GGUF has no key for */
function ropeScalingKeys({ ropeScaling }: Config): [key: string, value: GgufValue][] {
  if (ropeScaling === null) return [];
  const { ropeType, factor } = ropeScaling;
  const keys: [string, GgufValue][] = [
    ["type", scalar("str", ropeType)],
    ["factor", f32(factor)],
  ];
  if (ropeType === "linear") return keys;
  const { originalMaxPositionEmbeddings: original, attentionFactor, betaFast, betaSlow, truncate } = ropeScaling;
  if (!truncate) {
    throw new FormatError({
      subject: "rope_parameters.truncate",
      expected: "true, as GGUF has no key that says otherwise",
      found: "false",
      remedy: "Keep this model as safetensors; `--quantize` makes fewer bits of it at load.",
    });
  }
  keys.push(["original_context_length", u32(original)]);
  if (attentionFactor !== yarnMagnitude(factor)) keys.push(["yarn_attn_factor", f32(attentionFactor)]);
  if (betaFast !== 32) keys.push(["yarn_beta_fast", f32(betaFast)]);
  if (betaSlow !== 1) keys.push(["yarn_beta_slow", f32(betaSlow)]);
  return keys;
}

const samplingKeys: readonly (readonly [from: string, to: string, type: "f32" | "i32"])[] = [
  ["temperature", "temp", "f32"],
  ["top_k", "top_k", "i32"],
  ["top_p", "top_p", "f32"],
  ["min_p", "min_p", "f32"],
  ["repetition_penalty", "penalty_repeat", "f32"],
];

/** What generation_config.json recommends. */
export function addSampling(metadata: Metadata, generationConfig: Readonly<Record<string, unknown>>): void {
  const stated = generationConfig.do_sample === false ? { ...generationConfig, temperature: 0 } : generationConfig;
  for (const [from, to, type] of samplingKeys) {
    const value = stated[from];
    if (typeof value === "number") metadata.set(`general.sampling.${to}`, scalar(type, value));
  }
}
