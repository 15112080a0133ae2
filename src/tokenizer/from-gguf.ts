// A vocabulary from GGUF's `tokenizer.ggml.*` metadata, the way llama.cpp understands pre-tokenizer `lfm2`.
import { shown } from "./added-tokens.ts";
import { TokenizerError, type TokenizerSource } from "./source.ts";
import { LFM2_PATTERN } from "./split-pattern.ts";
import { CONTROL, NORMAL, typeByLook, UNKNOWN, UNUSED, USER_DEFINED } from "./token-types.ts";
import { TokenTable, type Vocabulary, vocabulary } from "./vocabulary.ts";

/** They split alike: llama.cpp maps the first to the second's pattern, and Ollama's converter writes that one. */
export const preTokenizers = ["lfm2", "llama-bpe"] as const;
export type PreTokenizer = (typeof preTokenizers)[number];

const TOKENS = "tokenizer.ggml.tokens";

/** @throws TokenizerError naming the metadata key at fault */
export function vocabularyFromGguf(source: Extract<TokenizerSource, { kind: "gguf" }>): Vocabulary {
  const { tokens, tokenTypes, merges, pre, addBosToken } = source;
  checkPreTokenizer(pre);
  if (tokenTypes !== undefined && tokenTypes.length !== tokens.length) {
    throw new TokenizerError({
      subject: "tokenizer.ggml.token_type",
      expected: `${tokens.length} (one for each token)`,
      found: tokenTypes.length,
    });
  }
  const table = new TokenTable();
  tokens.forEach((text, id) => {
    const type = tokenTypes === undefined ? typeByLook(text) : tokenTypes[id];
    if (type === UNUSED) {
      table.size = id + 1;
    } else if (type === NORMAL) {
      table.addOrdinary(text, id, TOKENS);
    } else if (type === CONTROL || type === UNKNOWN || type === USER_DEFINED) {
      table.addWhole(text, id, type !== USER_DEFINED, TOKENS);
    } else {
      throw new TokenizerError({
        subject: `tokenizer.ggml.token_type[${id}]`,
        expected: "1 (normal) to 5 (unused)",
        found: JSON.stringify(type),
      });
    }
  });
  return vocabulary(table, merges, "tokenizer.ggml.merges", {
    pattern: LFM2_PATTERN,
    ignoreMerges: true,
    bosId: tokenId(source.bosTokenId, tokens.length, "tokenizer.ggml.bos_token_id"),
    eosId: tokenId(source.eosTokenId, tokens.length, "tokenizer.ggml.eos_token_id"),
    padId: source.padTokenId,
    endIds: source.endIds,
    // llama.cpp adds BOS for this pre-tokenizer by default.
    addsBos: addBosToken ?? true,
  });
}

/** @throws TokenizerError for a way to split text that is not LFM2's, or not stated */
export function checkPreTokenizer(pre: string | undefined): void {
  if (preTokenizers.some((known) => known === pre)) return;
  // Converters write "default" for a pattern that they do not know, and old ones write none.
  throw new TokenizerError({
    subject: "tokenizer.ggml.pre",
    expected: '"lfm2" or "llama-bpe"',
    found: shown(pre),
    remedy:
      'If the model is LFM2\'s nevertheless, say so by --tokenizer-pre lfm2, in TypeScript { tokenizerPre: "lfm2" }.',
  });
}

function tokenId(id: number | undefined, count: number, subject: string): number | undefined {
  if (id === undefined || (Number.isInteger(id) && id >= 0 && id < count)) return id;
  throw new TokenizerError({ subject, expected: `an id from 0 to ${count - 1}`, found: id });
}
