// What a tokenizer is built from, as a checkpoint's files state it, and the error for files that state it wrongly.
import { Lfm2Error } from "../lfm2-error.ts";

export type TokenizerSource =
  | {
      readonly kind: "json";
      /** tokenizer.json, parsed. */
      readonly tokenizer: Record<string, unknown>;
      /** tokenizer_config.json, parsed; {} where there is none. */
      readonly config: Readonly<Record<string, unknown>>;
      /** Ids that end an answer by other files. */
      readonly endIds?: readonly number[];
    }
  | {
      /** The `tokenizer.ggml.*` metadata. */
      readonly kind: "gguf";
      readonly tokens: readonly string[];
      readonly tokenTypes: readonly number[] | undefined;
      readonly merges: readonly string[];
      readonly pre: string | undefined;
      readonly bosTokenId: number | undefined;
      readonly eosTokenId: number | undefined;
      /** Ids that end an answer by other keys. */
      readonly endIds?: readonly number[];
      readonly padTokenId: number | undefined;
      readonly addBosToken: boolean | undefined;
    };

/** The tokenizer's files are damaged, or describe a tokenizer outside the LFM2 family. */
export class TokenizerError extends Lfm2Error {
  override readonly name = "TokenizerError";
}
