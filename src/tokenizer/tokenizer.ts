// Text to token ids and back.
import { createBpe } from "./bpe.ts";
import { bytesOfToken } from "./byte-alphabet.ts";
import { vocabularyFromGguf } from "./from-gguf.ts";
import { vocabularyFromJson } from "./from-json.ts";
import { TokenizerError, type TokenizerSource } from "./source.ts";
import { createWholeTokenSplitter } from "./whole-tokens.ts";

/** [start, end) of a text, in UTF-16 units. */
export type Span = readonly [start: number, end: number];

export interface Tokenizer {
  /**
   * The ids of a text.
   *
   * @param options.addBos        begin with BOS, unless the text itself does: never two (default false)
   * @param options.parseSpecial  take `<|im_end|>` and the like for the tokens they name (default true); false for text
   *                              that must not be able to end a turn or open a tool call; or the spans, in order and
   *                              apart, in which they count: elsewhere, and across an end, they are ordinary text
   */
  encode(text: string, options?: EncodeOptions): number[];
  /**
   * The text of ids. Ids without a token (padding rows of the embedding) give nothing; bytes that are not UTF-8, such
   * as half a character, give U+FFFD.
   *
   * @param options.skipSpecial  leave control tokens out (default false); `<think>` is text in LFM2's files and stays
   */
  decode(ids: Iterable<number>, options?: { readonly skipSpecial?: boolean }): string;
  /** Decodes ids one by one; what it returns, joined, is what `decode` gives for all of them. */
  stream(options?: { readonly skipSpecial?: boolean }): TextStream;
  /** The id of a token, given as its text if it is matched whole (`<|im_end|>`), else in the byte alphabet (`Ġthe`). */
  idOf(token: string): number | undefined;
  /** The text of one id: decode([id]). */
  textOf(id: number): string;
  /** The texts that `encode` takes for one token each, wherever `parseSpecial` says that they count. */
  readonly wholeTokens: readonly string[];
  /** The bytes of an ordinary token; undefined for one that is matched whole, and for an id without a token. */
  bytesOf(id: number): Uint8Array | undefined;
  /** Whether the files call the id a control token. */
  isSpecial(id: number): boolean;
  /** The highest id, plus one. The embedding may have more rows. */
  readonly vocabSize: number;
  readonly bosId: number | undefined;
  /** Ids that end an answer: the file's EOS, `<|im_end|>`, `<|endoftext|>`. */
  readonly eosIds: readonly number[];
  /** Whether the files say that plain encoding begins with BOS. Raw prompts need BOS whatever they say: use addBos. */
  readonly addsBos: boolean;
}

export interface EncodeOptions {
  readonly addBos?: boolean;
  readonly parseSpecial?: boolean | readonly Span[];
}

export interface TextStream {
  /** The text that became certain with this id: whole characters, so possibly "". */
  push(id: number): string;
  /** What was held back, as U+FFFD. The stream is then new. */
  end(): string;
}

/** @throws TokenizerError when the files are damaged or describe a tokenizer outside the LFM2 family */
export function createTokenizer(source: TokenizerSource): Tokenizer {
  const vocabulary = source.kind === "gguf" ? vocabularyFromGguf(source) : vocabularyFromJson(source);
  const { added, size, bosId, eosIds, addsBos } = vocabulary;
  const bpe = createBpe(vocabulary);
  const split = createWholeTokenSplitter(added);
  const idOfAdded = new Map(added.map(({ text, id }) => [text, id]));
  const whole = new Set(added.map(({ id }) => id));
  const special = new Set(added.filter((token) => token.special).map(({ id }) => id));
  // Filled as ids are met; whole tokens are plain text and are known from the start.
  const bytes: (Uint8Array | undefined)[] = [];
  const encoder = new TextEncoder();
  for (const { id, text } of added) bytes[id] = encoder.encode(text);

  const bytesOf = (id: number): Uint8Array => {
    const known = bytes[id];
    if (known !== undefined) return known;
    const token = bpe.tokenOf(id);
    if (token === undefined) return NO_BYTES;
    bytes[id] = bytesOfToken(token);
    return bytes[id];
  };

  const tokenizer: Tokenizer = {
    vocabSize: size,
    bosId,
    eosIds,
    addsBos,
    encode(text, { addBos = false, parseSpecial = true } = {}) {
      const ids: number[] = [];
      for (const piece of split(text, spansOf(parseSpecial, text.length))) {
        if (typeof piece === "number") ids.push(piece);
        else for (const id of bpe.encode(piece)) ids.push(id);
      }
      if (!addBos) return ids;
      if (bosId === undefined) {
        throw new TokenizerError("BOS: expected bos_token in the tokenizer's files or <|startoftext|>, found neither.");
      }
      if (ids[0] !== bosId) ids.unshift(bosId);
      return ids;
    },
    decode(ids, options) {
      const stream = tokenizer.stream(options);
      let text = "";
      for (const id of ids) text += stream.push(id);
      return text + stream.end();
    },
    stream({ skipSpecial = false } = {}) {
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true }); // "ignore" keeps a BOM as a character
      return {
        push: (id) => (skipSpecial && special.has(id) ? "" : decoder.decode(bytesOf(id), { stream: true })),
        end: () => decoder.decode(),
      };
    },
    idOf: (token) => idOfAdded.get(token) ?? bpe.idOf(token),
    textOf: (id) => tokenizer.decode([id]),
    wholeTokens: [...idOfAdded.keys()],
    bytesOf: (id) => (whole.has(id) || bpe.tokenOf(id) === undefined ? undefined : bytesOf(id)),
    isSpecial: (id) => special.has(id),
  };
  return tokenizer;
}

function spansOf(parseSpecial: boolean | readonly Span[], length: number): readonly Span[] {
  if (typeof parseSpecial !== "boolean") return parseSpecial;
  return parseSpecial ? [[0, length]] : [];
}

const NO_BYTES = new Uint8Array(0);
