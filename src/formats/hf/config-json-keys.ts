// The keys of config.json and generation_config.json: what each means, and what is accepted.
//
// Sources: transformers 5.18.0 configuration_utils.py, configuration_lfm2.py, configuration_lfm2_moe.py, and the modules
// that read them (modeling_lfm2.py, modeling_lfm2_moe.py, masking_utils.py, cache_utils.py); published checkpoints.
import type { KeyTable } from "../known-keys.ts";

const DENSE = "transformers 4.54, for the dense models";
const EARLY = "LiquidAI's first checkpoints";

export const configJsonKeys: KeyTable = [
  { keys: ["model_type"], use: "read", says: "lfm2, lfm2_moe, or lfm2_vl, whose text half is run." },
  {
    keys: ["architectures"],
    use: "read",
    says: "Lfm2ForCausalLM or Lfm2MoeForCausalLM; models of other architectures compute something else.",
  },
  { keys: ["vocab_size"], use: "read", says: "Rows of the embedding; 65,536 if absent." },
  { keys: ["hidden_size"], use: "read", says: "Width of the stream; 2,560 (dense) or 2,048 if absent." },
  { keys: ["num_hidden_layers"], use: "read", says: "Layers; 32 if absent." },
  {
    keys: ["layer_types"],
    use: "read",
    says: "conv or full_attention (older: attention) for every layer; if absent, full_attn_idxs, or else attention alone (dense).",
  },
  { keys: ["full_attn_idxs"], use: "read", says: "Layers with attention, if there is no layer_types.", by: DENSE },
  { keys: ["num_attention_heads"], use: "read", says: "Query heads; 32 if absent." },
  { keys: ["num_key_value_heads"], use: "read", says: "Heads of keys and values; 8 if absent." },
  { keys: ["head_dim"], use: "read", says: "Width of a head; hidden_size / num_attention_heads if absent." },
  {
    keys: ["intermediate_size"],
    use: "read",
    says: "Width of a dense feed-forward; 12,288 (dense) or 7,168 if absent.",
  },
  {
    keys: ["block_ff_dim"],
    use: "read",
    says: "The older name of intermediate_size; takes precedence.",
    by: DENSE,
  },
  {
    keys: ["block_auto_adjust_ff_dim", "block_ffn_dim_multiplier", "block_multiple_of"],
    use: "read",
    says: "How the dense models' width is adjusted: two thirds of it, times the multiplier, rounded up to a multiple; true, 1 and 256 if absent.",
    by: DENSE,
  },
  { keys: ["conv_L_cache"], use: "read", says: "Width of the short convolution; 3 if absent." },
  { keys: ["conv_bias"], use: "read", says: "false or null." },
  { keys: ["norm_eps"], use: "read", says: "eps of every RMS norm; 1e-5 if absent." },
  { keys: ["max_position_embeddings"], use: "read", says: "The longest context; 128,000 if absent." },
  {
    keys: ["rope_parameters"],
    use: "read",
    says: "RoPE, for all layers or by layer type: rope_theta, and rope_type (or type) with its parameters.",
    by: "transformers 5",
  },
  {
    keys: ["rope_scaling"],
    use: "read",
    says: "The older name of rope_parameters; takes precedence unless it is empty.",
    by: "transformers 4",
  },
  {
    keys: ["rope_theta"],
    use: "read",
    says: "RoPE's base, if rope_parameters do not state it; 1,000,000 if absent.",
    by: "transformers 4",
  },
  {
    keys: ["original_max_position_embeddings"],
    use: "read",
    says: "For YaRN; takes precedence over the one within rope_parameters.",
  },
  {
    keys: ["tie_embedding"],
    use: "read",
    says: "Whether the head is the embedding; takes precedence over tie_word_embeddings.",
  },
  { keys: ["tie_word_embeddings"], use: "read", says: "Whether the head is the embedding; true if absent." },
  { keys: ["num_dense_layers"], use: "read", says: "Layers before the first sparse one; 2 if absent." },
  { keys: ["num_experts"], use: "read", says: "Experts of a sparse layer; 32 if absent." },
  { keys: ["num_experts_per_tok"], use: "read", says: "Experts chosen for a token; 4 if absent." },
  { keys: ["moe_intermediate_size"], use: "read", says: "Width of an expert; 1,792 if absent." },
  { keys: ["norm_topk_prob"], use: "read", says: "Whether the chosen scores are made to sum to 1; true if absent." },
  {
    keys: ["routed_scaling_factor"],
    use: "read",
    says: "Factor by which the weights of experts are multiplied; 1 if absent.",
  },
  {
    keys: ["use_expert_bias"],
    use: "read",
    says: "Whether the choice of experts uses a bias; true if absent. A file without biases needs false.",
  },
  {
    keys: ["bos_token_id", "eos_token_id", "pad_token_id"],
    use: "read",
    says: "Used if the tokenizer does not state them.",
  },
  { keys: ["text_config"], use: "read", says: "In a config of lfm2_vl, that of the text half." },
  {
    keys: ["quantization_config", "quantization", "compression_config"],
    use: "read",
    says: "Quantized safetensors are refused; the error names the method.",
  },

  {
    keys: ["is_causal"],
    use: "only",
    values: [true],
    says: "Attention to later positions makes it a model for embeddings.",
  },
  { keys: ["use_pos_enc", "block_use_swiglu"], use: "only", values: [true], says: "Every LFM2 has this value." },
  {
    keys: ["is_encoder_decoder", "add_cross_attention"],
    use: "only",
    values: [false],
    says: "LFM2 has a decoder only.",
  },
  { keys: ["hidden_act"], use: "only", values: ["silu", "swish"], says: "LFM2's SwiGLU uses SiLU." },
  { keys: ["partial_rotary_factor"], use: "only", values: [1], says: "RoPE rotates whole heads." },
  {
    keys: ["per_layer_config"],
    use: "only",
    values: [{}],
    says: "All layers share one config.",
    by: "transformers 5",
  },
  { keys: ["num_kv_shared_layers"], use: "only", values: [0], says: "Every layer keeps its own keys and values." },

  { keys: ["block_dim", "conv_dim", "conv_dim_out"], use: "no effect", says: "The same as hidden_size.", by: EARLY },
  { keys: ["num_heads"], use: "no effect", says: "The same as num_attention_heads.", by: EARLY },
  { keys: ["block_norm_eps"], use: "no effect", says: "The same as norm_eps.", by: EARLY },
  { keys: ["theta"], use: "no effect", says: "The same as rope_theta.", by: EARLY },
  {
    keys: [
      "block_mlp_init_scale",
      "block_out_init_scale",
      "block_use_xavier_init",
      "conv_use_xavier_init",
      "initializer_range",
    ],
    use: "no effect",
    says: "How weights are initialized before training.",
  },
  {
    keys: ["attention_dropout", "router_aux_loss_coef", "output_router_logits"],
    use: "no effect",
    says: "Used in training.",
  },
  {
    keys: ["dtype", "torch_dtype"],
    use: "no effect",
    says: "Every tensor states its own type; arithmetic is float32 or int8.",
  },
  {
    keys: [
      "use_cache",
      "is_decoder",
      "number_of_conv_states",
      "return_dict",
      "output_attentions",
      "output_hidden_states",
      "tie_last_hidden_states",
    ],
    use: "no effect",
    says: "What transformers returns beside logits.",
  },
  {
    keys: [
      "attn_implementation",
      "_attn_implementation",
      "_attn_implementation_internal",
      "_attn_implementation_autoset",
      "experts_implementation",
      "_experts_implementation_internal",
      "chunk_size_feed_forward",
    ],
    use: "no effect",
    says: "Which code transformers runs; the results are the same.",
  },
  {
    keys: ["id2label", "label2id", "num_labels", "problem_type", "finetuning_task"],
    use: "no effect",
    says: "For classifiers, which `architectures` would name.",
  },
  {
    keys: ["_name_or_path", "name_or_path", "_commit_hash", "transformers_version", "transformers.js_config"],
    use: "no effect",
    says: "Where the file comes from.",
  },
  { keys: ["unsloth_version", "unsloth_fixed", "model_name"], use: "no effect", says: "Notes.", by: "Unsloth" },
  {
    keys: ["max_length", "min_length", "do_sample", "temperature", "top_k", "top_p", "repetition_penalty", "num_beams"],
    use: "no effect",
    says: "generation_config.json states the sampling; transformers 5 drops these keys.",
  },
];

/** Within `rope_parameters` and `rope_scaling`. */
export const ropeKeys: KeyTable = [
  { keys: ["rope_type", "type"], use: "read", says: "default, linear or yarn; default if absent." },
  { keys: ["rope_theta"], use: "read", says: "RoPE's base." },
  { keys: ["factor"], use: "read", says: "For linear and yarn: by how much the context was lengthened." },
  {
    keys: ["original_max_position_embeddings"],
    use: "read",
    says: "For yarn: the context before that; max_position_embeddings if absent.",
  },
  {
    keys: ["attention_factor", "mscale", "mscale_all_dim"],
    use: "read",
    says: "For yarn: factor of cos and sin, stated or as a ratio; 0.1 ln(factor) + 1 if absent.",
  },
  {
    keys: ["beta_fast", "beta_slow", "truncate"],
    use: "read",
    says: "For yarn: where the scaling begins and ends; 32, 1 and true if absent.",
  },
  { keys: ["partial_rotary_factor"], use: "only", values: [1], says: "RoPE rotates whole heads." },
  { keys: ["full_attention", "conv"], use: "read", says: "The same keys by layer type." },
];

export const generationConfigKeys: KeyTable = [
  {
    keys: ["temperature", "top_k", "top_p", "min_p", "repetition_penalty", "do_sample", "max_new_tokens"],
    use: "read",
    says: "The sampling to start from; do_sample false is temperature 0.",
  },
  { keys: ["bos_token_id", "eos_token_id", "pad_token_id"], use: "read", says: "Any of eos_token_id ends an answer." },
  {
    keys: ["_from_model_config", "transformers_version", "use_cache", "cache_implementation", "trust_remote_code"],
    use: "no effect",
    says: "How transformers does its work.",
  },
  {
    keys: ["return_dict_in_generate", "output_attentions", "output_hidden_states", "output_scores", "output_logits"],
    use: "no effect",
    says: "What transformers returns beside ids.",
  },
  { keys: ["max_length"], use: "no effect", says: "An answer ends at max_new_tokens, or else with the context." },
];
