// The messages between the caller's thread and the text thread. The caller sends one request at a time.

import type { ChatMessage } from "../chat/messages.ts";
import type { PromptOptions } from "../chat/prompt.ts";
import type { TracedText } from "../chat/provenance.ts";
import type { ConstraintRequest } from "../constrain/compile.ts";
import type { ConstraintRules } from "../constrain/constraint.ts";
import type { StoredTokenizer } from "../formats/checkpoint.ts";
import type { PlainError } from "../lfm2-error.ts";
import type { PackedTokens } from "../tokenizer/detokenizer.ts";
import type { PackedBytes } from "../tokenizer/packed-bytes.ts";
import type { EncodeOptions } from "../tokenizer/tokenizer.ts";
import type { ThreadPort } from "../worker/protocol.ts";

/** What a model's files say about text. */
export interface TextFiles {
  readonly tokenizer: StoredTokenizer;
  /** Jinja; undefined where the files have none. */
  readonly chatTemplate: string | undefined;
  /** Others, by name. */
  readonly namedTemplates?: ReadonlyMap<string, string>;
  /** Ids that the model knows. */
  readonly embeddingRows: number | undefined;
}

export type TextRequest =
  /** The first, and only once. */
  | { readonly kind: "open"; readonly files: TextFiles }
  | { readonly kind: "encode"; readonly text: string; readonly options: EncodeOptions | undefined }
  | {
      readonly kind: "render";
      /** As `toCloneable` gives them. */
      readonly messages: readonly ChatMessage[];
      readonly options: PromptOptions;
    }
  | { readonly kind: "compile"; readonly request: ConstraintRequest }
  /** @property size  rows of the embedding */
  | { readonly kind: "vocabulary"; readonly size: number };

/** What a request gives back, by its kind. */
export interface TextResults {
  readonly open: PackedTokens;
  readonly encode: Uint32Array<ArrayBuffer>;
  readonly render: TracedText;
  readonly compile: ConstraintRules;
  readonly vocabulary: PackedBytes;
}

export type TextAnswer = { readonly result: TextResults[TextRequest["kind"]] } | { readonly error: PlainError };

export type TextPort = ThreadPort<TextAnswer, TextRequest>;
