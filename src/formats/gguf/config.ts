// GGUF's metadata → the keys of config.json and generation_config.json.
import type { Checkpoint } from "../checkpoint.ts";
import { checkKeys, unknownKeysWarning } from "../known-keys.ts";
import { refuse } from "../refusal.ts";
import { type Keys, keysOf, type Metadata, NOT_LFM2 } from "./keys.ts";
import { ggufArchitectureKeys, ggufKeys } from "./known-keys.ts";
import { ropeParametersOfGguf } from "./rope.ts";
import { showValue } from "./value.ts";

const modelTypes: Readonly<Record<string, string>> = { lfm2moe: "lfm2_moe", lfm2: "lfm2" };
const SIGMOID = 2;
const gatingNames = ["none", "softmax", "sigmoid", "softmax over the chosen weights"];

/** @throws FormatError when the file holds no model of the LFM2 family */
export function architectureOfGguf(file: string, metadata: Metadata): string {
  const value = metadata.get("general.architecture");
  const architecture = value?.value;
  if (typeof architecture === "string" && Object.hasOwn(modelTypes, architecture)) return architecture;
  refuse(
    file,
    "architecture lfm2moe or lfm2",
    value ? showValue(value) : "none stated",
    "This project runs the LFM2 family only; open one of its models.",
  );
}

/**
 * @param metadata  values as they are shown
 * @param warnings  gains a sentence for unknown keys that are not of the architecture
 * @throws FormatError for an unknown key of the architecture, or one whose value this architecture does not have
 */
export function checkGgufKeys(file: string, metadata: ReadonlyMap<string, unknown>, warnings: string[]): void {
  const prefix = `${metadata.get("general.architecture")}.`;
  checkKeys(metadata, { subject: file, table: ggufArchitectureKeys, prefix, strict: true });
  const others = [...metadata].filter(([key]) => !key.startsWith(prefix));
  warnings.push(...unknownKeysWarning(file, checkKeys(others, { subject: file, table: ggufKeys })));
}

/** As they are known from the directory of a file. */
export interface TensorShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * The keys of `config.json` as the same model's Hugging Face checkpoint has them.
 *
 * @param tensors   some settings are known only by a tensor's presence or shape
 * @param warnings  gains a sentence for anything odd that still runs
 * @throws FormatError when a key is missing, of another type, or asks for something this architecture does not have
 * @source llama.cpp conversion/lfm2.py, which writes the keys
 */
export function configOfGguf(
  file: string,
  metadata: Metadata,
  tensors: readonly TensorShape[],
  warnings: string[],
): Pick<Checkpoint, "config" | "keyNames"> {
  const architecture = architectureOfGguf(file, metadata);
  const read = keysOf(file, metadata);
  const own = (key: string) => `${architecture}.${key}`;
  const names = new Set(tensors.map(({ name }) => name));
  const tied = !names.has("output.weight");
  const hiddenSize = read.number(own("embedding_length"));
  const heads = read.number(own("attention.head_count"));
  const layers = read.number(own("block_count"));
  const kvHeads = read.numbers(own("attention.head_count_kv"));
  const attentionHeads = [...new Set(kvHeads.filter((count) => count !== 0))];
  if (kvHeads.length !== layers || attentionHeads.length > 1) {
    const expected = `${layers} items, each 0 or the same number`;
    read.refuse(own("attention.head_count_kv"), expected);
  }
  const headDim = read.optionalNumber(own("attention.key_length")) ?? hiddenSize / heads;
  refuseUnlike(read, own("attention.value_length"), headDim);
  refuseUnlike(read, own("rope.dimension_count"), headDim);
  const context = read.number(own("context_length"));
  const window = read.optionalNumber(own("attention.sliding_window")) || context;
  if (window < context) read.refuse(own("attention.sliding_window"), `none below ${context}`, NOT_LFM2);
  const config: Record<string, unknown> = {
    model_type: modelTypes[architecture],
    vocab_size: read.optionalNumber(own("vocab_size")) ?? read.length("tokenizer.ggml.tokens"),
    hidden_size: hiddenSize,
    intermediate_size: denseWidth(read.number(own("feed_forward_length")), tensors),
    num_hidden_layers: layers,
    layer_types: Array.from(kvHeads, (count) => (count === 0 ? "conv" : "full_attention")),
    num_attention_heads: heads,
    num_key_value_heads: attentionHeads[0] ?? heads,
    head_dim: headDim,
    conv_L_cache: read.number(own("shortconv.l_cache")),
    conv_bias: false,
    norm_eps: read.number(own("attention.layer_norm_rms_epsilon")),
    rope_theta: read.number(own("rope.freq_base")),
    rope_parameters: ropeParametersOfGguf(read, own, context),
    max_position_embeddings: context,
    tie_embedding: tied,
    tie_word_embeddings: tied,
    bos_token_id: read.optionalNumber("tokenizer.ggml.bos_token_id"),
    eos_token_id: read.optionalNumber("tokenizer.ggml.eos_token_id"),
    pad_token_id: read.optionalNumber("tokenizer.ggml.padding_token_id"),
  };
  // The converter stores the width after the dense siblings' automatic adjustment.
  if (architecture === "lfm2") config.block_auto_adjust_ff_dim = false;
  else Object.assign(config, expertConfig(read, own, names));
  if (config.use_expert_bias === false) {
    warnings.push(
      `${file}: no layer has a router bias (exp_probs_b.bias), and GGUF has no key that says whether one should. ` +
        "It runs without; a published LFM2 MoE model has them, so if this is a copy of one, take another.",
    );
  }
  return {
    config: withoutUndefined(config),
    keyNames: Object.fromEntries(Object.entries(keyNames).map(([key, name]) => [key, own(name)])),
  };
}

/** Keys of `config.json` → GGUF's, without the architecture. */
const keyNames: Readonly<Record<string, string>> = {
  vocab_size: "vocab_size",
  hidden_size: "embedding_length",
  intermediate_size: "feed_forward_length",
  num_hidden_layers: "block_count",
  layer_types: "attention.head_count_kv",
  num_attention_heads: "attention.head_count",
  num_key_value_heads: "attention.head_count_kv",
  head_dim: "attention.key_length",
  conv_L_cache: "shortconv.l_cache",
  norm_eps: "attention.layer_norm_rms_epsilon",
  rope_theta: "rope.freq_base",
  "rope_parameters.factor": "rope.scaling.factor",
  "rope_parameters.original_max_position_embeddings": "rope.scaling.original_context_length",
  "rope_parameters.attention_factor": "rope.scaling.yarn_attn_factor",
  "rope_parameters.beta_fast": "rope.scaling.yarn_beta_fast",
  "rope_parameters.beta_slow": "rope.scaling.yarn_beta_slow",
  max_position_embeddings: "context_length",
  num_experts: "expert_count",
  num_experts_per_tok: "expert_used_count",
  moe_intermediate_size: "expert_feed_forward_length",
  num_dense_layers: "leading_dense_block_count",
  routed_scaling_factor: "expert_weights_scale",
};

/** Ollama's converter states the dense models' width as config.json does, before its adjustment; tensors have the other. */
function denseWidth(stated: number, tensors: readonly TensorShape[]): number {
  const rows = tensors.find(({ name }) => name === "blk.0.ffn_gate.weight")?.shape[0];
  const adjusted = 256 * Math.ceil(Math.trunc((2 * stated) / 3) / 256);
  return rows === adjusted ? rows : stated;
}

function expertConfig(read: Keys, own: (key: string) => string, names: ReadonlySet<string>): Record<string, unknown> {
  const gating = read.optionalNumber(own("expert_gating_func"));
  if (gating !== undefined && gating !== SIGMOID) {
    const found = gatingNames[gating] ?? "an unknown function";
    refuse(read.subject(own("expert_gating_func")), "2 (sigmoid)", `${gating} (${found})`, NOT_LFM2);
  }
  return {
    num_experts: read.number(own("expert_count")),
    num_experts_per_tok: read.number(own("expert_used_count")),
    moe_intermediate_size: read.number(own("expert_feed_forward_length")),
    num_dense_layers: read.number(own("leading_dense_block_count")),
    norm_topk_prob: read.optionalBoolean(own("expert_weights_norm")) ?? true,
    // llama.cpp takes 0 for "not scaled".
    routed_scaling_factor: read.optionalNumber(own("expert_weights_scale")) || 1,
    use_expert_bias: [...names].some((name) => name.endsWith(".exp_probs_b.bias")),
  };
}

/** `general.sampling.*` under the names of `generation_config.json`. Source: gguf-py constants.py, Keys.General. */
export function generationConfigOfGguf(file: string, metadata: Metadata): Record<string, unknown> {
  const read = keysOf(file, metadata);
  const config: Record<string, unknown> = {
    temperature: read.optionalNumber("general.sampling.temp"),
    top_k: read.optionalNumber("general.sampling.top_k"),
    top_p: read.optionalNumber("general.sampling.top_p"),
    min_p: read.optionalNumber("general.sampling.min_p"),
    repetition_penalty: read.optionalNumber("general.sampling.penalty_repeat"),
  };
  return withoutUndefined(config);
}

function refuseUnlike(read: Keys, key: string, headDim: number): void {
  const value = read.optionalNumber(key);
  if (value !== undefined && value !== headDim) read.refuse(key, `the head size, ${headDim}`, NOT_LFM2);
}

function withoutUndefined(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}
