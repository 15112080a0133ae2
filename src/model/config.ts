// The numbers of the architecture, read from a checkpoint's own config and checked once.
import { ConfigError, type ConfigKeys, configKeys, type RawConfig, show } from "./config-keys.ts";
import { MAX_POSITIONS, type RopeConfig, readRope } from "./rope.ts";

export type LayerType = "conv" | "full_attention";

/** Keys are the checkpoint's, in camelCase. */
export interface Config extends RopeConfig {
  readonly modelType: "lfm2_moe" | "lfm2";
  readonly vocabSize: number;
  readonly hiddenSize: number;
  /** Width of a dense feed-forward, after the automatic adjustment of the dense siblings. */
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly layerTypes: readonly LayerType[];
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  /** Width of the short convolution, in positions. */
  readonly convLCache: number;
  readonly normEps: number;
  readonly maxPositionEmbeddings: number;
  readonly tieWordEmbeddings: boolean;
  /** Layers with a dense feed-forward before the sparse ones; all of them in the dense siblings. */
  readonly numDenseLayers: number;
  /** 0 in the dense siblings; what follows then has no effect. */
  readonly numExperts: number;
  readonly numExpertsPerTok: number;
  readonly moeIntermediateSize: number;
  readonly normTopkProb: boolean;
  readonly routedScalingFactor: number;
  readonly useExpertBias: boolean;
}

/** Sums over a head of int8 times int16 stay below 2³¹ (assembly/ops/attention-int8.ts); every published LFM2 has 64. */
const MAX_HEAD_DIM = 512;

/**
 * Keys that are absent take transformers' defaults.
 *
 * @param raw       the keys of `config.json`
 * @param keyNames  what the file calls a key, if it has another name for it
 * @throws ConfigError naming the key, what was expected, and what was found
 * @source transformers 5.18.0 configuration_lfm2_moe.py, configuration_lfm2.py
 */
export function readConfig(raw: RawConfig, keyNames: Readonly<Record<string, string>> = {}): Config {
  const keys = configKeys(raw, (key) => (Object.hasOwn(keyNames, key) ? keyNames[key] : key));
  const modelType = raw.model_type;
  if (modelType !== "lfm2_moe" && modelType !== "lfm2") {
    const family = "This project runs the LFM2 family only; open an LFM2 checkpoint.";
    return keys.refuse("model_type", '"lfm2_moe" or "lfm2"', family);
  }
  if (raw.conv_bias !== undefined && raw.conv_bias !== null && raw.conv_bias !== false) {
    keys.refuse("conv_bias", "false: convolutions have no bias", "No LFM2 checkpoint needs it.");
  }
  const { integer, number, boolean } = keys;
  const moe = modelType === "lfm2_moe";
  const numHiddenLayers = integer("num_hidden_layers", 1, 1024, 32);
  const hiddenSize = integer("hidden_size", 4, 1 << 16, moe ? 2048 : 2560);
  const numAttentionHeads = integer("num_attention_heads", 1, 1024, 32);
  const numKeyValueHeads = integer("num_key_value_heads", 1, numAttentionHeads, 8);
  const ownHeadDim = raw.head_dim !== undefined && raw.head_dim !== null;
  const headDim = ownHeadDim ? integer("head_dim", 4, MAX_HEAD_DIM) : hiddenSize / numAttentionHeads;
  const multiple = (key: string, value: number, of: number, what: string): void => {
    if (value % of !== 0) keys.refuse(key, `a multiple of ${of} (${what})`, undefined, value);
  };
  multiple("num_attention_heads", numAttentionHeads, numKeyValueHeads, keys.nameOf("num_key_value_heads"));
  if (!ownHeadDim && (!Number.isInteger(headDim) || headDim > MAX_HEAD_DIM)) {
    keys.refuse(
      "head_dim",
      `${keys.nameOf("hidden_size")} / ${keys.nameOf("num_attention_heads")}, an integer up to ${MAX_HEAD_DIM}`,
      undefined,
      headDim,
    );
  }
  multiple("head_dim", headDim, 16, "four registers of float32");
  multiple("hidden_size", hiddenSize, 4, "4 float32 lanes");
  const numExperts = moe ? integer("num_experts", 1, 4096, 32) : 0;
  const maxPositionEmbeddings = integer("max_position_embeddings", 1, MAX_POSITIONS, 128000);
  return {
    modelType,
    vocabSize: integer("vocab_size", 1, 1 << 24, 65536),
    hiddenSize,
    intermediateSize: moe ? integer("intermediate_size", 4, 1 << 20, 7168) : denseWidth(keys),
    numHiddenLayers,
    layerTypes: readLayerTypes(keys, numHiddenLayers),
    numAttentionHeads,
    numKeyValueHeads,
    headDim,
    convLCache: integer("conv_L_cache", 2, 64, 3),
    normEps: number("norm_eps", 0, 1, 1e-5),
    ...readRope(keys, maxPositionEmbeddings),
    maxPositionEmbeddings,
    // In transformers the older name takes precedence, whichever way the two differ.
    tieWordEmbeddings: boolean("tie_embedding", boolean("tie_word_embeddings", true)),
    numDenseLayers: moe ? integer("num_dense_layers", 0, numHiddenLayers, 2) : numHiddenLayers,
    numExperts,
    numExpertsPerTok: moe ? integer("num_experts_per_tok", 1, numExperts, 4) : 0,
    moeIntermediateSize: moe ? integer("moe_intermediate_size", 4, 1 << 20, 1792) : 0,
    normTopkProb: moe && boolean("norm_topk_prob", true),
    routedScalingFactor: moe ? number("routed_scaling_factor", 1e-6, 1e6, 1) : 1,
    useExpertBias: moe && boolean("use_expert_bias", true),
  };
}

/** Width of the dense siblings' feed-forward. @source transformers modeling_lfm2.py, Lfm2MLP */
function denseWidth({ raw, integer, number, boolean }: ConfigKeys): number {
  const key = raw.block_ff_dim === undefined ? "intermediate_size" : "block_ff_dim";
  const stated = integer(key, 4, 1 << 20, 12288);
  if (!boolean("block_auto_adjust_ff_dim", true)) return stated;
  const twoThirds = Math.trunc((2 * stated) / 3);
  if (raw.block_ffn_dim_multiplier === null) return twoThirds;
  const multiplier = number("block_ffn_dim_multiplier", 1e-3, 1e3, 1);
  const multipleOf = integer("block_multiple_of", 1, 1 << 16, 256);
  return multipleOf * Math.ceil(Math.trunc(multiplier * twoThirds) / multipleOf);
}

/** transformers' older name for a layer type. */
const olderTypes: Readonly<Record<string, LayerType>> = { attention: "full_attention" };

function readLayerTypes(keys: ConfigKeys, layers: number): LayerType[] {
  const { layer_types: types, full_attn_idxs: indices, model_type: modelType } = keys.raw;
  if (types !== undefined && types !== null) {
    const named = Array.isArray(types) ? types.map((type) => olderTypes[type] ?? type) : [];
    const valid = named.length === layers && named.every((type) => type === "conv" || type === "full_attention");
    if (valid) return named;
    return keys.refuse("layer_types", `${layers} entries, each "conv" or "full_attention"`, "Open an LFM2 checkpoint.");
  }
  const isAbsent = indices === undefined || indices === null;
  // The dense siblings' config means attention everywhere; the other one has no default.
  if (isAbsent && modelType === "lfm2") return Array.from({ length: layers }, () => "full_attention");
  if (!Array.isArray(indices) || !indices.every((i) => Number.isInteger(i) && i >= 0 && i < layers)) {
    throw new ConfigError({
      subject: keys.nameOf("layer_types"),
      expected: `a list of layer types, or full_attn_idxs in [0, ${layers})`,
      found: `${show(types)} and ${show(indices)}`,
      remedy: "Add one of them to config.json.",
    });
  }
  const attention = new Set<number>(indices);
  return Array.from({ length: layers }, (_, i) => (attention.has(i) ? "full_attention" : "conv"));
}
