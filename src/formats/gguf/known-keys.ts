// The keys of GGUF files: what each means, and what is accepted.
//
// Sources: llama.cpp llama-model.cpp (load_hparams), models/lfm2.cpp, models/lfm2moe.cpp, conversion/lfm2.py and base.py;
// gguf-py 0.19.0 constants.py.
import type { KeyTable } from "../known-keys.ts";

const CONVERTER = "llama.cpp's converter, b6709 on for lfm2moe";

/** After `lfm2.` or `lfm2moe.`. Any other key there is refused. */
export const ggufArchitectureKeys: KeyTable = [
  { keys: ["block_count"], use: "read", says: "Layers." },
  { keys: ["context_length"], use: "read", says: "The longest context." },
  { keys: ["embedding_length"], use: "read", says: "Width of the stream." },
  {
    keys: ["feed_forward_length"],
    use: "read",
    says: "Width of a dense feed-forward. Ollama's converter states it before the adjustment; the tensors decide.",
  },
  { keys: ["vocab_size"], use: "read", says: "Rows of the embedding; as many as tokens if absent." },
  { keys: ["attention.head_count"], use: "read", says: "Query heads." },
  {
    keys: ["attention.head_count_kv"],
    use: "read",
    says: "For every layer: the heads of keys and values, or 0 for a convolution.",
  },
  {
    keys: ["attention.key_length", "attention.value_length", "rope.dimension_count"],
    use: "read",
    says: "Width of a head, all three; embedding_length / head_count if absent.",
  },
  { keys: ["attention.layer_norm_rms_epsilon"], use: "read", says: "eps of every RMS norm." },
  {
    keys: ["attention.sliding_window"],
    use: "read",
    says: "0, or not below context_length.",
    by: "LFM2.5's audio models",
  },
  { keys: ["shortconv.l_cache"], use: "read", says: "Width of the short convolution." },
  { keys: ["rope.freq_base"], use: "read", says: "RoPE's base." },
  { keys: ["rope.scaling.type"], use: "read", says: "none, linear or yarn; linear if absent, as in llama.cpp." },
  {
    keys: ["rope.scaling.factor", "rope.scale_linear"],
    use: "read",
    says: "By how much the context was lengthened; the second is the older name.",
  },
  {
    keys: ["rope.scaling.original_context_length"],
    use: "read",
    says: "For yarn: the context before that; context_length if absent.",
  },
  {
    keys: ["rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor", "rope.scaling.yarn_log_multiplier"],
    use: "read",
    says: "For yarn: factors of cos and sin; 0.1 ln(factor) + 1 if absent.",
  },
  {
    keys: ["rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow", "rope.scaling.yarn_ext_factor"],
    use: "read",
    says: "For yarn: where the scaling begins and ends; 32 and 1 if absent, the third always 1.",
  },
  { keys: ["leading_dense_block_count"], use: "read", says: "Layers before the first sparse one.", by: CONVERTER },
  {
    keys: ["expert_count", "expert_used_count"],
    use: "read",
    says: "Experts of a sparse layer, and how many are chosen.",
  },
  { keys: ["expert_feed_forward_length"], use: "read", says: "Width of an expert.", by: CONVERTER },
  { keys: ["expert_gating_func"], use: "read", says: "2, sigmoid.", by: CONVERTER },
  {
    keys: ["expert_weights_norm", "expert_weights_scale"],
    use: "read",
    says: "norm_topk_prob and routed_scaling_factor; true and 1 if absent. llama.cpp assumes these values.",
    by: "this project, where they differ",
  },

  {
    keys: ["attention.causal"],
    use: "only",
    values: [true],
    says: "Attention to later positions makes it a model for embeddings, such as LFM2.5-Embedding.",
  },
  { keys: ["pooling_type"], use: "only", values: [0], says: "Pooled states are embeddings, such as LFM2-ColBERT's." },
  {
    keys: ["expert_group_count", "expert_group_used_count"],
    use: "only",
    values: [0, 1],
    says: "Experts are chosen from all experts, not from groups.",
  },
  {
    keys: ["expert_shared_count", "nextn_predict_layers", "rope.scaling.alpha"],
    use: "only",
    values: [0],
    says: "LFM2 has none of this.",
  },
  {
    keys: ["use_parallel_residual"],
    use: "only",
    values: [false],
    says: "Operator and feed-forward follow each other.",
  },
  { keys: ["logit_scale"], use: "only", values: [1], says: "Logits are not scaled." },

  { keys: ["rope.scaling.finetuned"], use: "no effect", says: "How the context was lengthened." },
];

/** The keys of every GGUF file. Other ones are warned of. */
export const ggufKeys: KeyTable = [
  { keys: ["general.architecture"], use: "read", says: "lfm2 or lfm2moe." },
  { keys: ["general.alignment"], use: "read", says: "Alignment of tensors in the file; 32 if absent." },
  { keys: ["general.name"], use: "read", says: "Shown; also tells which sampling the makers recommend." },
  {
    keys: [
      "general.sampling.temp",
      "general.sampling.top_k",
      "general.sampling.top_p",
      "general.sampling.min_p",
      "general.sampling.penalty_repeat",
    ],
    use: "read",
    says: "The sampling to start from.",
  },
  { keys: ["split.no", "split.count", "split.tensors.count"], use: "read", says: "For a model in several files." },
  {
    keys: [
      "tokenizer.ggml.model",
      "tokenizer.ggml.pre",
      "tokenizer.ggml.tokens",
      "tokenizer.ggml.token_type",
      "tokenizer.ggml.merges",
      "tokenizer.ggml.bos_token_id",
      "tokenizer.ggml.eos_token_id",
      "tokenizer.ggml.eos_token_ids",
      "tokenizer.ggml.eot_token_id",
      "tokenizer.ggml.padding_token_id",
      "tokenizer.ggml.add_bos_token",
    ],
    use: "read",
    says: "The tokenizer: byte-level BPE.",
  },
  {
    keys: ["tokenizer.chat_template", "tokenizer.chat_template.{name}"],
    use: "read",
    says: "How a conversation is written.",
  },

  {
    keys: ["general.type"],
    use: "only",
    values: ["model"],
    says: "Adapters, projectors and importance matrices are not models.",
  },

  {
    keys: [
      "general.file_type",
      "general.quantization_version",
      "general.size_label",
      "general.author",
      "general.version",
      "general.organization",
      "general.finetune",
      "general.basename",
      "general.description",
      "general.quantized_by",
      "general.license",
      "general.license.{name}",
      "general.url",
      "general.doi",
      "general.uuid",
      "general.repo_url",
      "general.source.{name}",
      "general.source.huggingface.repository",
      "general.base_model.count",
      "general.base_model.{id}.{name}",
      "general.dataset.count",
      "general.dataset.{id}.{name}",
      "general.datasets",
      "general.tags",
      "general.languages",
      "general.parameter_count",
      "quantize.imatrix.{name}",
    ],
    use: "no effect",
    says: "Where the file comes from; each tensor states its own type.",
  },
  {
    keys: ["tokenizer.ggml.scores", "tokenizer.ggml.token_type_count", "tokenizer.ggml.precompiled_charsmap"],
    use: "no effect",
    says: "For other kinds of tokenizers.",
  },
  {
    keys: ["tokenizer.ggml.add_space_prefix", "tokenizer.ggml.remove_extra_whitespaces"],
    use: "no effect",
    says: "Byte-level BPE has neither.",
  },
  {
    keys: [
      "tokenizer.ggml.unknown_token_id",
      "tokenizer.ggml.seperator_token_id",
      "tokenizer.ggml.cls_token_id",
      "tokenizer.ggml.mask_token_id",
      "tokenizer.ggml.fim_{part}_token_id",
      "tokenizer.ggml.prefix_token_id",
      "tokenizer.ggml.suffix_token_id",
      "tokenizer.ggml.middle_token_id",
    ],
    use: "no effect",
    says: "Tokens for other uses than a conversation.",
  },
  {
    keys: ["tokenizer.huggingface.json", "tokenizer.chat_templates"],
    use: "no effect",
    says: "The same as the keys above say.",
  },
  {
    keys: ["tokenizer.ggml.add_eos_token", "tokenizer.ggml.add_sep_token"],
    use: "only",
    values: [false],
    says: "A prompt ends as its template does.",
  },
];
