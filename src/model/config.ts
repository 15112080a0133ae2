// The numbers of the architecture, read from a checkpoint's own config and checked once.
import { pow } from "../float.ts";

export type LayerType = "conv" | "full_attention";

/** Keys are the checkpoint's, in camelCase. */
export interface Config {
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
  readonly ropeTheta: number;
  readonly maxPositionEmbeddings: number;
  readonly tieWordEmbeddings: boolean;
  /** Layers with a dense feed-forward before the sparse ones; all of them in the dense siblings. */
  readonly numDenseLayers: number;
  /** 0 in the dense siblings, like the other three below. */
  readonly numExperts: number;
  readonly numExpertsPerTok: number;
  readonly moeIntermediateSize: number;
  readonly normTopkProb: boolean;
  readonly routedScalingFactor: number;
  readonly useExpertBias: boolean;
}

/** The config of a checkpoint is not one this architecture can have. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type RawConfig = Readonly<Record<string, unknown>>;

/** Sums over a head of int8 times int16 stay below 2³¹ (assembly/attention-int8.ts); every LFM2 has 64. */
const MAX_HEAD_DIM = 512;

/**
 * @param raw  the keys of `config.json`
 * @throws ConfigError naming the key, what was expected, and what was found
 * @source transformers 5.18.0 configuration_lfm2_moe.py, configuration_lfm2.py; defaults are theirs
 */
export function readConfig(raw: RawConfig): Config {
  const modelType = raw.model_type;
  if (modelType !== "lfm2_moe" && modelType !== "lfm2") {
    throw new ConfigError(
      `model_type: expected "lfm2_moe" or "lfm2", found ${JSON.stringify(modelType)}. ` +
        "This project runs the LFM2 family only; open an LFM2 checkpoint.",
    );
  }
  refuse(raw, "conv_bias", (value) => value === undefined || value === false, "false: convolutions have no bias");
  const rope = isRecord(raw.rope_parameters) ? raw.rope_parameters : raw;
  refuse(rope, "rope_type", (value) => value === undefined || value === "default", '"default": no RoPE scaling');
  refuse(raw, "rope_scaling", (value) => value == null || isDefaultRope(value), "null: no RoPE scaling");

  const moe = modelType === "lfm2_moe";
  const numHiddenLayers = integer(raw, "num_hidden_layers", 1, 1024);
  const hiddenSize = integer(raw, "hidden_size", 4, 1 << 16);
  const numAttentionHeads = integer(raw, "num_attention_heads", 1, 1024);
  const numKeyValueHeads = integer(raw, "num_key_value_heads", 1, numAttentionHeads);
  const headDim = integer(raw, "head_dim", 4, MAX_HEAD_DIM, hiddenSize / numAttentionHeads);
  multiple("num_attention_heads", numAttentionHeads, numKeyValueHeads, "num_key_value_heads");
  multiple("head_dim", headDim, 16, "four registers of float32");
  multiple("hidden_size", hiddenSize, 4, "4 float32 lanes");
  const numExperts = moe ? integer(raw, "num_experts", 1, 4096) : 0;
  return {
    modelType,
    vocabSize: integer(raw, "vocab_size", 1, 1 << 24),
    hiddenSize,
    intermediateSize: moe ? integer(raw, "intermediate_size", 4, 1 << 20) : denseWidth(raw),
    numHiddenLayers,
    layerTypes: readLayerTypes(raw, numHiddenLayers),
    numAttentionHeads,
    numKeyValueHeads,
    headDim,
    convLCache: integer(raw, "conv_L_cache", 2, 64, 3),
    normEps: number(raw, "norm_eps", 0, 1, 1e-5),
    ropeTheta: number({ rope_theta: rope.rope_theta ?? raw.rope_theta }, "rope_theta", 1, 1e12, 1e6),
    maxPositionEmbeddings: integer(raw, "max_position_embeddings", 1, 1 << 24, 128000),
    tieWordEmbeddings: boolean(raw, "tie_word_embeddings", boolean(raw, "tie_embedding", true)),
    numDenseLayers: moe ? integer(raw, "num_dense_layers", 0, numHiddenLayers, 2) : numHiddenLayers,
    numExperts,
    numExpertsPerTok: moe ? integer(raw, "num_experts_per_tok", 1, numExperts) : 0,
    moeIntermediateSize: moe ? integer(raw, "moe_intermediate_size", 4, 1 << 20) : 0,
    normTopkProb: moe && boolean(raw, "norm_topk_prob", true),
    routedScalingFactor: moe ? number(raw, "routed_scaling_factor", 1e-6, 1e6, 1) : 1,
    useExpertBias: moe && boolean(raw, "use_expert_bias", true),
  };
}

/**
 * inverseFrequency[j] = theta^(−2j / headDim), j < headDim / 2, each step rounded to float32 as PyTorch rounds it.
 * @source transformers modeling_rope_utils.py, _compute_default_rope_parameters
 */
export function ropeInverseFrequency(config: Config): Float32Array {
  return Float32Array.from({ length: config.headDim / 2 }, (_, j) => {
    const power = Math.fround(pow(config.ropeTheta, Math.fround((2 * j) / config.headDim)));
    return 1 / power;
  });
}

/** Width of the dense siblings' feed-forward. @source transformers modeling_lfm2.py, Lfm2MLP */
function denseWidth(raw: RawConfig): number {
  const key = raw.block_ff_dim === undefined ? "intermediate_size" : "block_ff_dim";
  const stated = integer(raw, key, 4, 1 << 20);
  if (!boolean(raw, "block_auto_adjust_ff_dim", true)) return stated;
  const twoThirds = Math.trunc((2 * stated) / 3);
  if (raw.block_ffn_dim_multiplier === null) return twoThirds;
  const multiplier = number(raw, "block_ffn_dim_multiplier", 1e-3, 1e3, 1);
  const multipleOf = integer(raw, "block_multiple_of", 1, 1 << 16, 256);
  return multipleOf * Math.ceil(Math.trunc(multiplier * twoThirds) / multipleOf);
}

function readLayerTypes(raw: RawConfig, layers: number): LayerType[] {
  if (Array.isArray(raw.layer_types)) {
    const types = raw.layer_types;
    const valid = types.length === layers && types.every((type) => type === "conv" || type === "full_attention");
    if (valid) return [...types];
    throw new ConfigError(
      `layer_types: expected ${layers} entries, each "conv" or "full_attention", found ${show(types)}. ` +
        "Open an LFM2 checkpoint.",
    );
  }
  const indices = raw.full_attn_idxs;
  if (!Array.isArray(indices) || !indices.every((i) => Number.isInteger(i) && i >= 0 && i < layers)) {
    throw new ConfigError(
      `layer_types: expected a list of layer types, or full_attn_idxs in [0, ${layers}), ` +
        `found ${show(raw.layer_types)} and ${show(indices)}. Add one of them to config.json.`,
    );
  }
  const attention = new Set<number>(indices);
  return Array.from({ length: layers }, (_, i) => (attention.has(i) ? "full_attention" : "conv"));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDefaultRope(value: unknown): boolean {
  return isRecord(value) && (value.rope_type ?? value.type ?? "default") === "default";
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function refuse(raw: RawConfig, key: string, allowed: (value: unknown) => boolean, expected: string): void {
  if (allowed(raw[key])) return;
  throw new ConfigError(`${key}: expected ${expected}, found ${show(raw[key])}. No LFM2 checkpoint needs it.`);
}

function number(raw: RawConfig, key: string, min: number, max: number, absent?: number): number {
  const value = raw[key] ?? absent;
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw new ConfigError(`${key}: expected a number in [${min}, ${max}], found ${show(value)}. Mend the config.`);
}

function integer(raw: RawConfig, key: string, min: number, max: number, absent?: number): number {
  const value = raw[key] ?? absent;
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new ConfigError(`${key}: expected an integer in [${min}, ${max}], found ${show(value)}. Mend the config.`);
}

function boolean(raw: RawConfig, key: string, absent: boolean): boolean {
  const value = raw[key] ?? absent;
  if (typeof value === "boolean") return value;
  throw new ConfigError(`${key}: expected true or false, found ${show(value)}. Mend the config.`);
}

function multiple(key: string, value: number, of: number, what: string): void {
  if (value % of === 0) return;
  throw new ConfigError(`${key}: expected a multiple of ${of} (${what}), found ${value}. Mend the config.`);
}
