// A stored tokenizer read: strings and parsed JSON, which take many times the memory of the bytes.
import type { StoredTokenizer } from "./checkpoint.ts";
import { decodeStrings } from "./gguf/strings.ts";
import { decodeText, type JsonObject, jsonLimits, parseJsonObject } from "./json.ts";

/** What a tokenizer is built from. */
export type TokenizerSource =
  | {
      readonly kind: "json";
      /** tokenizer.json, parsed. */
      readonly tokenizer: JsonObject;
      readonly config: Readonly<Record<string, unknown>>;
      readonly endIds?: readonly number[];
    }
  | (Omit<Extract<StoredTokenizer, { kind: "gguf" }>, "file" | "tokens" | "tokenTypes" | "merges"> & {
      readonly tokens: readonly string[];
      readonly tokenTypes: readonly number[] | undefined;
      readonly merges: readonly string[];
    });

/** @throws FormatError when tokenizer.json is no JSON, or a text no UTF-8 */
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
