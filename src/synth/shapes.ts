// The configs of published models, for files of their shape. Sources: the models' own config.json; of LFM2-24B-A2B the
// published numbers of layers, experts and parameters, which determine the widths (attention is placed as in the others).

const layerTypes = (count: number, attention: readonly number[]) =>
  Array.from({ length: count }, (_, layer) => (attention.includes(layer) ? "full_attention" : "conv"));

const family = {
  vocab_size: 65_536,
  hidden_size: 2048,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  conv_L_cache: 3,
  norm_eps: 1e-5,
  rope_theta: 1_000_000,
  max_position_embeddings: 128_000,
  tie_word_embeddings: true,
  bos_token_id: 1,
};

const sparse = {
  ...family,
  model_type: "lfm2_moe",
  num_dense_layers: 2,
  num_experts_per_tok: 4,
  norm_topk_prob: true,
  routed_scaling_factor: 1,
  use_expert_bias: true,
};

const lfm2_8bA1b = {
  ...sparse,
  intermediate_size: 7168,
  moe_intermediate_size: 1792,
  num_hidden_layers: 24,
  num_experts: 32,
  layer_types: layerTypes(24, [2, 6, 10, 14, 18, 21]),
};

const lfm2_24bA2b = {
  ...sparse,
  intermediate_size: 11_776,
  moe_intermediate_size: 1536,
  num_hidden_layers: 40,
  num_experts: 64,
  layer_types: layerTypes(40, [2, 6, 10, 14, 18, 22, 26, 30, 34, 38]),
};

/** Their feed-forward is two thirds as wide as stated, up to a multiple of 256. */
const dense = {
  ...family,
  model_type: "lfm2",
  num_hidden_layers: 16,
  layer_types: layerTypes(16, [2, 5, 8, 10, 12, 14]),
  block_auto_adjust_ff_dim: true,
  block_ffn_dim_multiplier: 1,
  block_multiple_of: 256,
};

const lfm2_2_6b = {
  ...dense,
  intermediate_size: 10_752,
  num_hidden_layers: 30,
  layer_types: layerTypes(30, [2, 5, 9, 13, 17, 21, 24, 27]),
  block_auto_adjust_ff_dim: false,
};

/** The larger models of LFM2.5; its small ones keep LFM2's tokenizer. */
const lfm2_5 = { vocab_size: 128_000, bos_token_id: 124_894 };

/** By the name that `--shape` takes. */
export const shapes = {
  "lfm2-350m": { ...dense, hidden_size: 1024, intermediate_size: 6656, num_attention_heads: 16 },
  "lfm2-700m": { ...dense, hidden_size: 1536, intermediate_size: 10_240, num_attention_heads: 24 },
  "lfm2-1.2b": { ...dense, intermediate_size: 12_288 },
  "lfm2-2.6b": lfm2_2_6b,
  "lfm2.5-2.6b": { ...lfm2_2_6b, ...lfm2_5, rope_theta: 10_000_000, max_position_embeddings: 131_072 },
  "lfm2-8b-a1b": lfm2_8bA1b,
  "lfm2.5-8b-a1b": { ...lfm2_8bA1b, ...lfm2_5, rope_theta: 5_000_000 },
  "lfm2-24b-a2b": lfm2_24bA2b,
} as const;

export type ShapeName = keyof typeof shapes;

/** The first `layers` layers of a config. */
export function withLayers(config: Readonly<Record<string, unknown>>, layers: number): Record<string, unknown> {
  const { layer_types: types, full_attn_idxs: indices, num_dense_layers: dense } = config;
  return {
    ...config,
    num_hidden_layers: layers,
    ...(Array.isArray(types) ? { layer_types: types.slice(0, layers) } : {}),
    ...(Array.isArray(indices) ? { full_attn_idxs: indices.filter((index) => index < layers) } : {}),
    ...(typeof dense === "number" ? { num_dense_layers: Math.min(dense, layers) } : {}),
  };
}
