// Arrays of strings as they lie in a GGUF file: bytes, which become strings when they are asked for.
import { DAMAGED, refuse } from "../refusal.ts";

/** Plain data: what a vocabulary costs as bytes, and may be sent to a worker as. */
export interface GgufStrings {
  readonly length: number;
  /** The file's own: for each string its length in bytes, u64, and its UTF-8. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

// A byte order mark is a character like any other here.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** @throws FormatError naming `subject` where the bytes are not UTF-8 */
export function decodeStrings(strings: GgufStrings, subject: string): string[] {
  try {
    return decode(strings, strict);
  } catch {
    refuse(subject, "UTF-8 text", "bytes that are not UTF-8", DAMAGED);
  }
}

/** For messages: bytes that are not UTF-8 become U+FFFD. */
export function showableStrings(strings: GgufStrings): string[] {
  return decode(strings, lenient);
}

/** Given: lengths that lie within the bytes. */
function decode({ length, bytes }: GgufStrings, utf8: TextDecoder): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strings: string[] = [];
  for (let i = 0, at = 0; i < length; i++) {
    // The upper half is zero: no array is that long.
    const end = at + 8 + view.getUint32(at, true);
    strings.push(utf8.decode(bytes.subarray(at + 8, end)));
    at = end;
  }
  return strings;
}

export function encodeStrings(strings: readonly string[]): GgufStrings {
  const encoder = new TextEncoder();
  const texts = strings.map((text) => encoder.encode(text));
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + 8 + text.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const text of texts) {
    view.setUint32(at, text.length, true);
    bytes.set(text, at + 8);
    at += 8 + text.length;
  }
  return { length: strings.length, bytes };
}
