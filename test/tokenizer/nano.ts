// The embedded model's tokenizer as a source of both kinds, for tests.
import { readFileSync } from "node:fs";
import type { TokenizerSource } from "../../src/tokenizer/source.ts";

export function goldenFile(path: string): string {
  return readFileSync(new URL(`../../golden/${path}`, import.meta.url), "utf8");
}

type Json = Extract<TokenizerSource, { kind: "json" }>;
type Gguf = Extract<TokenizerSource, { kind: "gguf" }>;

export interface NanoJson {
  readonly model: { vocab: Record<string, number>; merges: [string, string][]; ignore_merges: boolean };
  readonly added_tokens: { id: number; content: string; special: boolean; [key: string]: unknown }[];
  [key: string]: unknown;
}

/** Parsed anew at each call, so that a test may change it. */
export function nanoJson(): Json & { readonly tokenizer: NanoJson } {
  return {
    kind: "json",
    tokenizer: JSON.parse(goldenFile("nano/hf/tokenizer.json")),
    config: JSON.parse(goldenFile("nano/hf/tokenizer_config.json")),
  };
}

/** What a GGUF writer makes of the same tokenizer. */
export function nanoGguf(changes: Partial<Gguf> = {}): Gguf {
  const { model, added_tokens } = nanoJson().tokenizer;
  const tokens: string[] = [];
  for (const [text, id] of Object.entries(model.vocab)) tokens[id] = text;
  const tokenTypes = tokens.map(() => 1);
  for (const { id, special } of added_tokens) tokenTypes[id] = special ? 3 : 4;
  return {
    kind: "gguf",
    tokens,
    tokenTypes,
    merges: model.merges.map((pair) => pair.join(" ")),
    pre: "lfm2",
    bosTokenId: 1,
    eosTokenId: 7,
    padTokenId: 0,
    addBosToken: true,
    ...changes,
  };
}
