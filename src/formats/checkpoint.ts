// What a model's files hold, whatever their container: config, named tensors, tokenizer, template.
import type { FormatName } from "../blocks/formats.ts";
import type { ByteSource } from "../sources/source.ts";
import type { TokenizerSource } from "../tokenizer/source.ts";
import type { GgufStrings } from "./gguf/strings.ts";

/** Bytes [offset, offset + bytes) of `files[file]`. */
export interface Part {
  readonly file: number;
  readonly offset: number;
  readonly bytes: number;
  /** The float type of these bytes, where the experts of one stack do not agree; the tensor is then F32. */
  readonly format?: FormatName;
}

/** A tensor on file. Its parts, joined, are its blocks in row-major order. */
export interface StoredTensor {
  /** Hugging Face parameter name; experts are stacked under `….feed_forward.experts.w1` (w2, w3). */
  readonly name: string;
  /** As its file spells it, where one tensor of the file is all of it. */
  readonly nameInFile?: string;
  readonly format: FormatName;
  /** Row-major, slowest axis first: [rows, cols], [experts, rows, cols], [cols]; convolution taps [hidden, width]. */
  readonly shape: readonly number[];
  readonly parts: readonly Part[];
}

/** A tensor's name as people find it in the file. */
export function spellingOf({ name, nameInFile }: Pick<StoredTensor, "name" | "nameInFile">): string {
  return nameInFile ?? name;
}

/**
 * What a tokenizer is built from, as the files hold it: bytes, which cost little to keep and to send to another thread.
 * tokenizer-source.ts reads them.
 */
export type StoredTokenizer =
  | (Omit<Extract<TokenizerSource, { kind: "json" }>, "tokenizer"> & {
      /** tokenizer.json */
      readonly tokenizer: Uint8Array<ArrayBuffer>;
    })
  | (Omit<Extract<TokenizerSource, { kind: "gguf" }>, "tokens" | "tokenTypes" | "merges"> & {
      readonly file: string;
      readonly tokens: GgufStrings;
      readonly tokenTypes: ArrayLike<number> | undefined;
      readonly merges: GgufStrings | undefined;
    });

/** An opened checkpoint: everything but the weights' bytes has been read. */
export interface Checkpoint {
  /** "GGUF v3", "safetensors, 4 shards". */
  readonly container: string;
  readonly files: readonly ByteSource[];
  /** The keys and values of `config.json`; GGUF metadata is translated to them. `model_type` is lfm2_moe or lfm2. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What the files call a key of `config`, if they have another name for it; for messages. */
  readonly keyNames: Readonly<Record<string, string>>;
  /** By Hugging Face name. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly tokenizer: StoredTokenizer | undefined;
  readonly chatTemplate: string | undefined;
  /** Templates beside it, such as "tool_use", by name; absent where there are none. */
  readonly namedTemplates?: ReadonlyMap<string, string>;
  /** The keys of `generation_config.json` (or GGUF's `general.sampling.*`), where the files state them. */
  readonly generationConfig: Readonly<Record<string, unknown>>;
  /** Container metadata as read, for display. Long arrays are cut to their length. */
  readonly metadata: ReadonlyMap<string, unknown>;
  /** What the files hold that is not used, or was not as expected, and might matter; one sentence or two each. */
  readonly warnings: readonly string[];
}
