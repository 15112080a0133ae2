// What GGUF metadata says about text: vocabulary, merges, special tokens.

import { OptionError } from "../../options/option-error.ts";
import type { StoredTokenizer } from "../checkpoint.ts";
import { keysOf, type Metadata } from "./keys.ts";

/** Undefined when the file holds no vocabulary. @throws FormatError when it holds another kind than LFM2's */
export function tokenizerOfGguf(file: string, metadata: Metadata): StoredTokenizer | undefined {
  const read = keysOf(file, metadata);
  const tokens = read.optionalStrings("tokenizer.ggml.tokens");
  if (!tokens) return undefined;
  const model = read.optionalString("tokenizer.ggml.model");
  if (model !== "gpt2") {
    read.refuse("tokenizer.ggml.model", '"gpt2", byte-level BPE', "No LFM2 model has another kind.");
  }
  const types = read.optionalNumbers("tokenizer.ggml.token_type");
  if (types && types.length !== tokens.length) {
    read.refuse("tokenizer.ggml.token_type", `${tokens.length} items, as many as tokens`);
  }
  return {
    kind: "gguf",
    file,
    tokens,
    tokenTypes: types,
    merges: read.optionalStrings("tokenizer.ggml.merges"),
    pre: read.optionalString("tokenizer.ggml.pre"),
    bosTokenId: read.optionalNumber("tokenizer.ggml.bos_token_id"),
    eosTokenId: read.optionalNumber("tokenizer.ggml.eos_token_id"),
    endIds: [
      read.optionalNumber("tokenizer.ggml.eot_token_id"),
      ...Array.from(read.optionalNumbers("tokenizer.ggml.eos_token_ids") ?? []),
    ].filter((id) => id !== undefined),
    padTokenId: read.optionalNumber("tokenizer.ggml.padding_token_id"),
    addBosToken: read.optionalBoolean("tokenizer.ggml.add_bos_token"),
  };
}

/**
 * The tokenizer with the pre-tokenizer that the caller names in place of what its file does.
 * @throws OptionError for files that hold the pattern itself
 */
export function withPreTokenizer(
  stored: StoredTokenizer | undefined,
  pre: string | undefined,
): StoredTokenizer | undefined {
  if (stored === undefined || pre === undefined) return stored;
  if (stored.kind === "gguf") return { ...stored, pre };
  throw new OptionError({
    subject: "tokenizerPre",
    expected: "it left out, as tokenizer.json holds its pattern",
    found: "a name",
    remedy: "Leave it out.",
  });
}
