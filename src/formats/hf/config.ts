// config.json as the one config of a model: which models are refused by what they are, and which keys by name.

import { isObject, type JsonObject } from "../json.ts";
import { checkKeys, unknownKeysWarning } from "../known-keys.ts";
import { refuse, show } from "../refusal.ts";
import { configJsonKeys, generationConfigKeys, ropeKeys } from "./config-json-keys.ts";

const FAMILY = "This project runs the LFM2 family only; open one of its models.";
const CAUSAL = "This project runs causal language models of the LFM2 family; open one of these.";

const causalModels = new Set(["Lfm2ForCausalLM", "LFM2ForCausalLM", "Lfm2MoeForCausalLM"]);
const VISION_MODEL = "Lfm2VlForConditionalGeneration";

/** What a class computes instead, by the end of its name. */
const otherModels: readonly (readonly [end: RegExp, what: string])[] = [
  [/BidirectionalModel$/, "a bidirectional model, which gives embeddings (LFM2.5-Embedding)"],
  [/Audio\w*ForConditionalGeneration$|AudioTokenizer$/, "a model of speech (LFM2-Audio)"],
  [/ForSequenceClassification$|ForTokenClassification$|RewardModel$/, "a classifier"],
  [/Model$/, "a model without a head, which gives embeddings (LFM2-ColBERT)"],
];

/**
 * The keys that describe the language model: all of them, or those of the text half of an LFM2-VL.
 *
 * @param subject   of messages, which names the file
 * @param warnings  gains a sentence for what is not used and might matter
 * @throws FormatError when it describes another model, or has a key that cannot be followed
 */
export function checkedConfig(raw: JsonObject, subject: string, warnings: string[]): JsonObject {
  checkArchitectures(raw, subject);
  const config = raw.model_type === "lfm2_vl" ? textHalf(raw, subject, warnings) : raw;
  if (config.model_type !== "lfm2_moe" && config.model_type !== "lfm2") {
    refuse(subject, 'model_type "lfm2_moe" or "lfm2"', show(config.model_type), FAMILY);
  }
  const unknown = checkKeys(Object.entries(config), { subject, table: configJsonKeys });
  // A text model's own config may have it, too, where nothing reads it.
  if (isObject(config.text_config)) unknown.push("text_config");
  for (const key of ["rope_parameters", "rope_scaling"]) unknown.push(...unknownRopeKeys(config[key], key, subject));
  warnings.push(...unknownKeysWarning(subject, unknown));
  return config;
}

/** @param warnings  gains a sentence for what is not used and might matter
 * @returns         the config, unchanged */
export function checkedGenerationConfig(config: JsonObject, subject: string, warnings: string[]): JsonObject {
  const stated = Object.entries(config).filter(([key, value]) => !isOff(key, value));
  warnings.push(...unknownKeysWarning(subject, checkKeys(stated, { subject, table: generationConfigKeys })));
  return config;
}

function checkArchitectures({ architectures }: JsonObject, subject: string): void {
  if (architectures === undefined || architectures === null) return;
  const names: unknown[] = Array.isArray(architectures) ? architectures : [architectures];
  const foreign = names.filter((name) => !causalModels.has(name as string) && name !== VISION_MODEL);
  if (foreign.length === 0) return;
  const other = String(foreign[0]);
  const what = otherModels.find(([end]) => end.test(other))?.[1];
  const remedy = /^Lfm2(Moe)?Model$/.test(other)
    ? `${CAUSAL} If this is one that was saved without its head, write ${other.replace(/Model$/, "ForCausalLM")} there.`
    : CAUSAL;
  const found = what === undefined ? show(other) : `${show(other)}, ${what}`;
  refuse(`${subject}, architectures`, "Lfm2ForCausalLM or Lfm2MoeForCausalLM", found, remedy);
}

/** Whether the head is tied is said of the whole model; everything else of its text half. */
function textHalf(raw: JsonObject, subject: string, warnings: string[]): JsonObject {
  const { text_config: text, tie_embedding: older, tie_word_embeddings: tied = true } = raw;
  if (!isObject(text)) refuse(subject, "a text_config", show(text), "Fetch the model's config.json again.");
  const { tie_embedding: _, ...own } = text;
  warnings.push(`${subject}: this is an LFM2-VL model. Its text half is run; images are not understood.`);
  return { model_type: "lfm2", ...own, tie_word_embeddings: older ?? tied };
}

function unknownRopeKeys(rope: unknown, path: string, subject: string): string[] {
  if (!isObject(rope)) return [];
  const own = `${path}.`;
  const entries = Object.entries(rope).map(([key, value]) => [`${own}${key}`, value] as const);
  const unknown = checkKeys(entries, { subject, table: ropeKeys, prefix: own });
  return [...unknown, ...unknownRopeKeys(rope.full_attention, `${own}full_attention`, subject)];
}

/** Values with which transformers' generation does nothing. */
const off = new Set<unknown>([null, false, 0, ""]);
const neutral: Readonly<Record<string, unknown>> = {
  typical_p: 1,
  top_h: 1,
  encoder_repetition_penalty: 1,
  length_penalty: 1,
  num_beams: 1,
  num_beam_groups: 1,
  num_return_sequences: 1,
  num_assistant_tokens: 20,
  num_assistant_tokens_schedule: "constant",
  assistant_confidence_threshold: 0.4,
  assistant_lookbehind: 10,
  target_lookbehind: 10,
  guidance_scale: 1,
  remove_invalid_values: true,
};

function isOff(key: string, value: unknown): boolean {
  return off.has(value) || (Object.hasOwn(neutral, key) && neutral[key] === value);
}
