// The configs of published models, for files of their shape. Sources: the models' own config.json.

const attentionLayers = [2, 6, 10, 14, 18, 21];

const lfm2_8bA1b = {
  model_type: "lfm2_moe",
  vocab_size: 65536,
  hidden_size: 2048,
  intermediate_size: 7168,
  moe_intermediate_size: 1792,
  num_hidden_layers: 24,
  num_dense_layers: 2,
  num_experts: 32,
  num_experts_per_tok: 4,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  layer_types: Array.from({ length: 24 }, (_, layer) => (attentionLayers.includes(layer) ? "full_attention" : "conv")),
  conv_L_cache: 3,
  norm_eps: 1e-5,
  rope_theta: 1_000_000,
  max_position_embeddings: 128_000,
  tie_word_embeddings: true,
  norm_topk_prob: true,
  routed_scaling_factor: 1,
  use_expert_bias: true,
  bos_token_id: 1,
};

/** By the name that `--shape` takes. */
export const shapes = {
  "lfm2-8b-a1b": lfm2_8bA1b,
  "lfm2.5-8b-a1b": { ...lfm2_8bA1b, vocab_size: 128_000, rope_theta: 5_000_000, bos_token_id: 124_894 },
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
