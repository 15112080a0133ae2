// GGUF's vocabulary as tokenizer.json and tokenizer_config.json: byte-level BPE as LFM2's own files spell it.

import type { TokenizerSource } from "../../tokenizer/source.ts";
import { LFM2_PATTERN } from "../../tokenizer/split-pattern.ts";
import { NORMAL, typeByLook, UNUSED, USER_DEFINED } from "../../tokenizer/token-types.ts";

type GgufTokenizer = Extract<TokenizerSource, { kind: "gguf" }>;

export function tokenizerJsonOf(source: GgufTokenizer): object {
  const { tokens, merges, bosTokenId } = source;
  const typeOf = (id: number) => source.tokenTypes?.[id] ?? typeByLook(tokens[id]);
  const ids = tokens.map((_, id) => id).filter((id) => typeOf(id) !== UNUSED);
  const added = ids.filter((id) => typeOf(id) !== NORMAL);
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  // llama.cpp puts BOS first for this pre-tokenizer by default.
  const bos = source.addBosToken !== false && bosTokenId !== undefined ? tokens[bosTokenId] : undefined;
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added.map((id) => ({
      id,
      content: tokens[id],
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: typeOf(id) !== USER_DEFINED,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: LFM2_PATTERN }, behavior: "Isolated", invert: false },
        byteLevel,
      ],
    },
    post_processor: bos === undefined ? byteLevel : beginningWith(bos, bosTokenId as number),
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: true,
      // Added tokens stand here too: the Rust library takes their ids from here.
      vocab: Object.fromEntries(ids.map((id) => [tokens[id], id])),
      merges: merges.map((merge) => merge.split(" ")),
    },
  };
}

function beginningWith(token: string, id: number): object {
  const first = { SpecialToken: { id: token, type_id: 0 } };
  const text = (name: string, type: number) => ({ Sequence: { id: name, type_id: type } });
  return {
    type: "TemplateProcessing",
    single: [first, text("A", 0)],
    pair: [first, text("A", 0), { SpecialToken: { id: token, type_id: 1 } }, text("B", 1)],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  };
}

export function tokenizerConfigOf(source: GgufTokenizer, contextLength: number): object {
  const token = (id: number | undefined) => (id === undefined ? undefined : source.tokens[id]);
  return {
    bos_token: token(source.bosTokenId),
    eos_token: token(source.eosTokenId),
    pad_token: token(source.padTokenId),
    add_bos_token: source.addBosToken !== false,
    add_eos_token: false,
    clean_up_tokenization_spaces: false,
    model_input_names: ["input_ids", "attention_mask"],
    model_max_length: contextLength,
    tokenizer_class: "PreTrainedTokenizerFast",
  };
}
