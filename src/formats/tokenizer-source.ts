// A stored tokenizer read: strings and parsed JSON, which take many times the memory of the bytes.
import type { TokenizerSource } from "../tokenizer/source.ts";
import type { StoredTokenizer } from "./checkpoint.ts";
import { decodeStrings } from "./gguf/strings.ts";
import { decodeText, jsonLimits, parseJsonObject } from "./json.ts";

/** @throws FormatError when tokenizer.json is not JSON, or a text is not UTF-8 */
export function readTokenizer(stored: StoredTokenizer): TokenizerSource {
  if (stored.kind === "json") {
    const { tokenizer, ...rest } = stored;
    return {
      ...rest,
      tokenizer: parseJsonObject(decodeText(tokenizer, "tokenizer.json"), "tokenizer.json", jsonLimits.tokenizer),
    };
  }
  const { file, tokens, tokenTypes, merges, ...rest } = stored;
  return {
    ...rest,
    tokens: decodeStrings(tokens, `${file}, tokenizer.ggml.tokens`),
    tokenTypes: tokenTypes && Array.from(tokenTypes),
    merges: merges === undefined ? [] : decodeStrings(merges, `${file}, tokenizer.ggml.merges`),
  };
}
