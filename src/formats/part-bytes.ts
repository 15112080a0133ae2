// A part of a tensor in the tensor's own format: experts that were saved in several float types become F32.

import { blockFormats, decodeRow, type FormatName } from "../blocks/formats.ts";
import type { Part, StoredTensor } from "./checkpoint.ts";

/** Bytes in memory for each byte of the part on file. */
export function widening({ format }: Pick<StoredTensor, "format">, part: Pick<Part, "format">): number {
  return blockFormats[format].blockBytes / blockFormats[part.format ?? format].blockBytes;
}

/** Bytes read of a part, as blocks of its tensor's format. */
export function widened(format: FormatName, part: FormatName | undefined, bytes: Uint8Array): Uint8Array {
  if (part === undefined || part === format) return bytes;
  const numbers = new Float32Array(bytes.byteLength / blockFormats[part].blockBytes);
  decodeRow(blockFormats[part], bytes, 0, numbers, numbers.length);
  return new Uint8Array(numbers.buffer);
}
