// tokenizer.json as GGUF metadata: what tokenizer.ts reads back.
//
// Source: llama.cpp conversion/base.py (get_vocab_base) and gguf-py vocab.py (SpecialVocab).

import { addedTokens } from "../../tokenizer/added-tokens.ts";
import type { TokenizerSource } from "../../tokenizer/source.ts";
import { isLfm2Pattern, patternOf } from "../../tokenizer/split-pattern.ts";
import { CONTROL, NORMAL, UNUSED, USER_DEFINED } from "../../tokenizer/token-types.ts";
import { isObject } from "../json.ts";
import { FormatError } from "../refusal.ts";
import type { Metadata } from "./metadata.ts";
import { integers, scalar, strings } from "./write.ts";

type JsonTokenizer = Extract<TokenizerSource, { kind: "json" }>;
type Config = Readonly<Record<string, unknown>>;

/**
 * @param config     config.json, which knows the ids of special tokens where tokenizer_config.json does not
 * @param vocabSize  rows of the embedding; those without a token get an unused one
 * @throws FormatError when the vocabulary is not a list of texts, or is larger than the embedding
 */
export function addTokenizer(
  metadata: Metadata,
  { tokenizer, config: tokenizerConfig, endIds = [] }: JsonTokenizer,
  config: Config,
  vocabSize: number,
): void {
  const model = isObject(tokenizer.model) ? tokenizer.model : {};
  const tokens = new Array<string | undefined>(vocabSize).fill(undefined);
  const types = new Array<number>(vocabSize).fill(UNUSED);
  const place = (id: unknown, text: unknown, type: number): void => {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= vocabSize || typeof text !== "string") {
      const found = `${JSON.stringify(text)} at ${JSON.stringify(id)}`;
      throw new FormatError({
        subject: "tokenizer.json",
        expected: `texts at ids below vocab_size, ${vocabSize}`,
        found,
        remedy: "Take the tokenizer that belongs to this model.",
      });
    }
    tokens[id] = text;
    types[id] = type;
  };
  for (const [text, id] of Object.entries(isObject(model.vocab) ? model.vocab : {})) place(id, text, NORMAL);
  const padding = isObject(tokenizerConfig.pad_token) ? tokenizerConfig.pad_token.content : tokenizerConfig.pad_token;
  for (const { id, content, special } of addedTokens(tokenizer, tokenizerConfig)) {
    // Opening a model drops it, too: it never reaches the model.
    if (content === padding && Number(id) >= vocabSize) continue;
    place(id, content, special || looksSpecial(content) ? CONTROL : USER_DEFINED);
  }

  const pattern = patternOf(tokenizer.pre_tokenizer);
  if (!isLfm2Pattern(pattern)) {
    throw new FormatError({
      subject: "tokenizer.json, pre_tokenizer",
      expected: "LFM2's or LFM2.5's pattern, as GGUF names patterns and does not hold them",
      found: pattern.slice(0, 300),
      remedy: "Convert to a Hugging Face folder, which holds it.",
    });
  }
  metadata.set("tokenizer.ggml.model", scalar("str", "gpt2"));
  metadata.set("tokenizer.ggml.pre", scalar("str", "lfm2"));
  metadata.set("tokenizer.ggml.tokens", strings(tokens.map((text, id) => text ?? `[PAD${id}]`)));
  metadata.set("tokenizer.ggml.token_type", integers(types));
  const merges = listOf(model.merges).map((merge) => (Array.isArray(merge) ? merge.join(" ") : String(merge)));
  metadata.set("tokenizer.ggml.merges", strings(merges));
  for (const [key, named] of [
    ["bos", "bos_token"],
    ["eos", "eos_token"],
    ["padding", "pad_token"],
  ]) {
    const stated = tokenizerConfig[named];
    const text = isObject(stated) ? stated.content : stated;
    const byText = typeof text === "string" ? tokens.indexOf(text) : -1;
    const id = byText >= 0 ? byText : listOf(config[`${named}_id`] ?? undefined, true)[0];
    if (typeof id === "number") metadata.set(`tokenizer.ggml.${key}_token_id`, scalar("u32", id));
  }
  const eos = metadata.get("tokenizer.ggml.eos_token_id")?.value;
  const others = [...new Set(endIds)].filter((id) => id !== eos && id < vocabSize);
  if (others.length > 0) metadata.set("tokenizer.ggml.eot_token_id", scalar("u32", others[0]));
  if (others.length > 1) metadata.set("tokenizer.ggml.eos_token_ids", integers(others));
  metadata.set("tokenizer.ggml.add_bos_token", scalar("bool", addsBos(tokenizer, tokenizerConfig)));
}

/** Converters mark such tokens as control whatever the file says. Source: conversion/base.py, does_token_look_special. */
function looksSpecial(text: unknown): boolean {
  return typeof text === "string" && /^<\|.*\|>$/s.test(text);
}

/** A template of the post-processor says it, or else tokenizer_config.json. */
function addsBos(tokenizer: Config, tokenizerConfig: Config): boolean {
  const processor = isObject(tokenizer.post_processor) ? tokenizer.post_processor : {};
  const steps = [processor, ...listOf(processor.processors)].filter(isObject);
  const template = steps.find(({ type }) => type === "TemplateProcessing");
  if (template === undefined) return tokenizerConfig.add_bos_token === true;
  const [first] = listOf(template.single);
  return isObject(first) && first.SpecialToken !== undefined;
}

/** @param orOne  whether a single value counts as a list of one: eos_token_id is either */
function listOf(value: unknown, orOne = false): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return orOne && value !== undefined ? [value] : [];
}
