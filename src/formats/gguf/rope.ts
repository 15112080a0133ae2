// GGUF's keys of RoPE scaling → `rope_parameters` of config.json.
import { log } from "../../float.ts";
import { type Keys, NOT_LFM2 } from "./keys.ts";

/**
 * Undefined where nothing is scaled.
 *
 * A factor alone means linear scaling, as llama.cpp has it, and so does its older name `rope.scale_linear`. What llama.cpp
 * writes of YaRN when it converts, but does not read for LFM2 (yarn_attn_factor, yarn_beta_fast, yarn_beta_slow,
 * yarn_log_multiplier), means here what it meant in the config it was taken from.
 *
 * @throws FormatError for kinds of scaling that transformers has for other models
 * @source llama.cpp llama-model.cpp (load_hparams), llama-context.cpp; conversion/base.py
 */
export function ropeParametersOfGguf(
  read: Keys,
  own: (key: string) => string,
  contextLength: number,
): Record<string, unknown> | undefined {
  const scaling = (key: string) => own(`rope.scaling.${key}`);
  const type = read.optionalString(scaling("type")) ?? "linear";
  if (!["none", "linear", "yarn"].includes(type)) read.refuse(scaling("type"), '"none", "linear" or "yarn"', NOT_LFM2);
  // 0 stands for a factor that is not set; where there is none, the older name counts.
  const factor = (read.optionalNumber(scaling("factor")) ?? read.optionalNumber(own("rope.scale_linear"))) || 1;
  const attentionFactor = read.optionalNumber(scaling("attn_factor")) ?? 1;
  if (type === "yarn") {
    return yarnParameters(read, scaling, { factor, attentionFactor, contextLength });
  }
  if (attentionFactor !== 1) read.refuse(scaling("attn_factor"), "1 without YaRN", NOT_LFM2);
  return type === "none" || factor === 1 ? undefined : { rope_type: "linear", factor };
}

function yarnParameters(
  read: Keys,
  scaling: (key: string) => string,
  given: { readonly factor: number; readonly attentionFactor: number; readonly contextLength: number },
): Record<string, unknown> {
  const { factor } = given;
  const mixed = read.optionalNumber(scaling("yarn_ext_factor")) ?? 1;
  // A negative one counts as not set, which for YaRN means 1.
  if (mixed >= 0 && mixed !== 1) read.refuse(scaling("yarn_ext_factor"), "1, as in transformers", NOT_LFM2);
  const magnitude = (scale: number): number => (factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1);
  const overall = read.optionalNumber(scaling("yarn_log_multiplier")) || 0;
  const inferred = overall === 0 ? magnitude(1) : magnitude(1) / magnitude(overall);
  const stated = read.optionalNumber(scaling("yarn_attn_factor"));
  const parameters: Record<string, unknown> = {
    rope_type: "yarn",
    factor,
    original_max_position_embeddings: read.optionalNumber(scaling("original_context_length")) ?? given.contextLength,
    beta_fast: read.optionalNumber(scaling("yarn_beta_fast")) ?? 32,
    beta_slow: read.optionalNumber(scaling("yarn_beta_slow")) ?? 1,
  };
  const attentionFactor = (stated ?? inferred) * given.attentionFactor;
  // Left out where transformers infers the same from the factor.
  if (attentionFactor !== magnitude(1)) parameters.attention_factor = attentionFactor;
  return parameters;
}
