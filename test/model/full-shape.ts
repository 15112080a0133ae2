// The published model's shape, without its numbers.
import type { StoredTensor } from "../../src/formats/checkpoint.ts";

/** Config and tensor directory of LFM2-8B-A1B, Q4_0 with a Q6_K embedding; the files themselves are not needed. */
export function fullShape(): { config: Record<string, unknown>; tensors: Map<string, StoredTensor> } {
  const attention = new Set([2, 6, 10, 14, 18, 21]);
  const config = {
    model_type: "lfm2_moe",
    vocab_size: 65536,
    hidden_size: 2048,
    intermediate_size: 7168,
    moe_intermediate_size: 1792,
    num_hidden_layers: 24,
    num_dense_layers: 2,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    num_experts: 32,
    num_experts_per_tok: 4,
    conv_L_cache: 3,
    norm_eps: 1e-5,
    rope_theta: 1e6,
    max_position_embeddings: 128000,
    layer_types: Array.from({ length: 24 }, (_, i) => (attention.has(i) ? "full_attention" : "conv")),
  };
  const tensors = new Map<string, StoredTensor>();
  const put = (name: string, format: StoredTensor["format"], ...shape: number[]): void => {
    tensors.set(name, { name, format, shape, parts: [] });
  };
  put("model.embed_tokens.weight", "Q6_K", 65536, 2048);
  put("model.embedding_norm.weight", "F32", 2048);
  for (let i = 0; i < 24; i++) {
    const layer = `model.layers.${i}`;
    put(`${layer}.operator_norm.weight`, "F32", 2048);
    put(`${layer}.ffn_norm.weight`, "F32", 2048);
    if (attention.has(i)) {
      for (const [name, rows] of [
        ["q_proj", 2048],
        ["k_proj", 512],
        ["v_proj", 512],
        ["out_proj", 2048],
      ] as const) {
        put(`${layer}.self_attn.${name}.weight`, "Q4_0", rows, 2048);
      }
      put(`${layer}.self_attn.q_layernorm.weight`, "F32", 64);
      put(`${layer}.self_attn.k_layernorm.weight`, "F32", 64);
    } else {
      put(`${layer}.conv.in_proj.weight`, "Q4_0", 6144, 2048);
      put(`${layer}.conv.out_proj.weight`, "Q4_0", 2048, 2048);
      put(`${layer}.conv.conv.weight`, "F32", 2048, 3);
    }
    const ff = `${layer}.feed_forward`;
    if (i < 2) {
      put(`${ff}.w1.weight`, "Q4_0", 7168, 2048);
      put(`${ff}.w3.weight`, "Q4_0", 7168, 2048);
      put(`${ff}.w2.weight`, "Q4_0", 2048, 7168);
    } else {
      put(`${ff}.gate.weight`, "F32", 32, 2048);
      put(`${ff}.expert_bias`, "F32", 32);
      put(`${ff}.experts.w1`, "Q4_0", 32, 1792, 2048);
      put(`${ff}.experts.w3`, "Q4_0", 32, 1792, 2048);
      put(`${ff}.experts.w2`, "Q4_0", 32, 2048, 1792);
    }
  }
  return { config, tensors };
}
