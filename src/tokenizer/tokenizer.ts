// Text to token ids and back, in this thread.
import { createBpe } from "./bpe.ts";
import { createDetokenizer, type Detokenizer, type PackedTokens, packTokens } from "./detokenizer.ts";
import { vocabularyFromGguf } from "./from-gguf.ts";
import { vocabularyFromJson } from "./from-json.ts";
import { TokenizerError, type TokenizerSource } from "./source.ts";
import { withinEmbedding } from "./vocabulary.ts";
import { createWholeTokenSplitter } from "./whole-tokens.ts";

/** [start, end) of a text, in UTF-16 units. */
export type Span = readonly [start: number, end: number];

export interface EncodeOptions {
  /** Begin with BOS, unless the text itself does: never two (default false). */
  readonly addBos?: boolean;
  /**
   * Take `<|im_end|>` and the like for the tokens they name (default true); false for text that must not be able to end
   * a turn or open a tool call; or the spans, in order and apart, in which they count: elsewhere, and across an end,
   * they are ordinary text.
   */
  readonly parseSpecial?: boolean | readonly Span[];
}

export interface Tokenizer extends Detokenizer {
  /** The ids of a text. */
  encode(text: string, options?: EncodeOptions): number[];
  /** What another thread makes a Detokenizer of. */
  readonly tokens: PackedTokens;
}

/**
 * @param embeddingRows  ids that the model knows; by default all that the tokenizer has
 * @throws TokenizerError when the files are damaged, describe a tokenizer outside the LFM2 family, or have tokens that
 *         the model does not know
 */
export function createTokenizer(source: TokenizerSource, embeddingRows?: number): Tokenizer {
  const whole = source.kind === "gguf" ? vocabularyFromGguf(source) : vocabularyFromJson(source);
  const vocabulary = embeddingRows === undefined ? whole : withinEmbedding(whole, embeddingRows);
  const { added, bosId } = vocabulary;
  const encodeOrdinary = createBpe(vocabulary);
  const split = createWholeTokenSplitter(added);
  const tokens = packTokens(vocabulary);
  return {
    ...createDetokenizer(tokens),
    tokens,
    encode(text, { addBos = false, parseSpecial = true } = {}) {
      const ids: number[] = [];
      for (const piece of split(text, spansOf(parseSpecial, text.length))) {
        if (typeof piece === "number") ids.push(piece);
        else for (const id of encodeOrdinary(piece)) ids.push(id);
      }
      if (!addBos) return ids;
      if (bosId === undefined) {
        throw new TokenizerError({
          subject: "BOS",
          expected: "bos_token in the tokenizer's files or <|startoftext|>",
          found: "neither",
        });
      }
      if (ids[0] !== bosId) ids.unshift(bosId);
      return ids;
    },
  };
}

function spansOf(parseSpecial: boolean | readonly Span[], length: number): readonly Span[] {
  if (typeof parseSpecial !== "boolean") return parseSpecial;
  return parseSpecial ? [[0, length]] : [];
}
