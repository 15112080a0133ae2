// GPT-2's byte alphabet: every byte is written as one printable character, so that tokens are strings without gaps.

/** Bytes that stand for themselves: printable ASCII and Latin-1, without space and soft hyphen. */
const isItself = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

/** Byte → character; the 68 others take U+0100, U+0101, … in order, so space is Ġ and newline is Ċ. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isItself(byte) ? byte : next++));
})();

const CHARACTER_BYTES = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

const encoder = new TextEncoder();

export function isInByteAlphabet(token: string): boolean {
  return Array.from(token).every((character) => CHARACTER_BYTES.has(character));
}

/**
 * The bytes a token stands for. A token with a character outside the alphabet stands for its own UTF-8, as in the
 * Rust library.
 *
 * @source tokenizers 0.23.2, pre_tokenizers/byte_level.rs, Decoder::decode_chain
 */
export function bytesOfToken(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = CHARACTER_BYTES.get(token[i]);
    if (byte === undefined) return encoder.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}
