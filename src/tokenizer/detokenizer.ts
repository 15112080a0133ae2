// Token ids to text, from one table of every token's bytes. The table can be sent to another thread.
import { bytesOfToken, isInByteAlphabet } from "./byte-alphabet.ts";
import { type PackedBytes, packBytes } from "./packed-bytes.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Every token's bytes, and what kind of token it is. */
export interface PackedTokens extends PackedBytes {
  /** ABSENT or one of the kinds below. [vocabSize] */
  readonly kinds: Uint8Array<ArrayBuffer>;
  readonly bosId: number | undefined;
  readonly eosIds: readonly number[];
  readonly addsBos: boolean;
}

const ABSENT = 0;
const ORDINARY = 1;
/** An ordinary token with a character outside the byte alphabet: it stands for its own UTF-8. */
const PLAIN = 2;
const WHOLE = 3;
const SPECIAL = 4;

/** Everything about tokens but the encoding of text. Everything here is quick, or says how long it takes. */
export interface Detokenizer {
  /**
   * The text of ids; 128,000 of them take about 10 ms. Ids without a token (padding rows of the embedding) give
   * nothing; bytes that are not UTF-8, such as half a character, give U+FFFD.
   *
   * @param options.skipSpecial  leave control tokens out (default false); `<think>` is text in LFM2's files and stays
   */
  decode(ids: Iterable<number>, options?: { readonly skipSpecial?: boolean }): string;
  /** Decodes ids one by one; what it returns, joined, is what `decode` gives for all of them. */
  stream(options?: { readonly skipSpecial?: boolean }): TextStream;
  /**
   * The id of a token, given as its text if it is matched whole (`<|im_end|>`), else in the byte alphabet (`Ġthe`); the
   * second looks through the whole table, in less than a millisecond.
   */
  idOf(token: string): number | undefined;
  /** The text of one id: decode([id]). */
  textOf(id: number): string;
  /** The texts that encoding takes for one token each, wherever `parseSpecial` says that they count. */
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

export interface TextStream {
  /** The text that became certain with this id: whole characters, so possibly "". */
  push(id: number): string;
  /** What was held back, as U+FFFD. The stream is then new. */
  end(): string;
}

export function packTokens({ ordinary, added, size, bosId, eosIds, addsBos }: Vocabulary): PackedTokens {
  const encoder = new TextEncoder();
  const tokens: (Uint8Array | undefined)[] = new Array(size).fill(undefined);
  const kinds = new Uint8Array(size);
  for (const [text, id] of ordinary) {
    tokens[id] = bytesOfToken(text);
    kinds[id] = isInByteAlphabet(text) ? ORDINARY : PLAIN;
  }
  for (const { id, text, special } of added) {
    tokens[id] = encoder.encode(text);
    kinds[id] = special ? SPECIAL : WHOLE;
  }
  return { ...packBytes(tokens), kinds, bosId, eosIds, addsBos };
}

export function createDetokenizer({ bytes, offsets, kinds, bosId, eosIds, addsBos }: PackedTokens): Detokenizer {
  const kindOf = (id: number): number => kinds[id] ?? ABSENT;
  const tokenBytes = (id: number): Uint8Array =>
    kindOf(id) === ABSENT ? NO_BYTES : bytes.subarray(offsets[id], offsets[id + 1]);
  const wholeIds = new Map<string, number>();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true }); // "ignore" keeps a BOM as a character
  kinds.forEach((kind, id) => {
    if (kind === WHOLE || kind === SPECIAL) wholeIds.set(decoder.decode(tokenBytes(id)), id);
  });

  const ordinaryIdOf = (token: string): number | undefined => {
    const wanted = bytesOfToken(token);
    const kind = isInByteAlphabet(token) ? ORDINARY : PLAIN;
    for (let id = 0; id < kinds.length; id++) {
      if (kinds[id] !== kind || offsets[id + 1] - offsets[id] !== wanted.length) continue;
      if (wanted.every((byte, i) => bytes[offsets[id] + i] === byte)) return id;
    }
    return undefined;
  };

  return {
    vocabSize: kinds.length,
    bosId,
    eosIds,
    addsBos,
    decode(ids, { skipSpecial = false } = {}) {
      let joined = new Uint8Array(1 << 12);
      let filled = 0;
      for (const id of ids) {
        if (kindOf(id) === ABSENT || (skipSpecial && kinds[id] === SPECIAL)) continue;
        const [from, to] = [offsets[id], offsets[id + 1]];
        if (filled + to - from > joined.length) {
          const longer = new Uint8Array(2 * joined.length + to - from);
          longer.set(joined);
          joined = longer;
        }
        for (let i = from; i < to; i++) joined[filled++] = bytes[i];
      }
      return decoder.decode(joined.subarray(0, filled));
    },
    stream({ skipSpecial = false } = {}) {
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
      return {
        push: (id) => (skipSpecial && kinds[id] === SPECIAL ? "" : decoder.decode(tokenBytes(id), { stream: true })),
        end: () => decoder.decode(),
      };
    },
    idOf: (token) => wholeIds.get(token) ?? ordinaryIdOf(token),
    textOf: (id) => decoder.decode(tokenBytes(id)),
    wholeTokens: [...wholeIds.keys()],
    bytesOf: (id) => (kindOf(id) === ORDINARY || kindOf(id) === PLAIN ? tokenBytes(id) : undefined),
    isSpecial: (id) => kinds[id] === SPECIAL,
  };
}

const NO_BYTES = new Uint8Array(0);
