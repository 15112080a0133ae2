// Random weights in any block format, with scales that are finite and of moderate size: for measuring speed only.

import { blockFormats, type FormatName } from "../../blocks/formats.ts";

/** Blocks of `count` weights; the same ones every time. */
export function randomBlocks(format: FormatName, count: number): Uint8Array<ArrayBuffer> {
  const { blockLength, blockBytes, exponents } = blockFormats[format];
  const blocks = count / blockLength;
  const bytes = new Uint8Array(blocks * blockBytes);
  const view = new DataView(bytes.buffer);
  let state = 1;
  const random = (): number => {
    // xorshift32: every bit of it looks random, and bytes are filled four at a time.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (let at = 0; at + 4 <= bytes.length; at += 4) view.setUint32(at, random(), true);
  for (let block = 0; block < blocks; block++) {
    const at = block * blockBytes;
    // Subnormal numbers and infinities would cost time that checkpoints do not.
    if (format === "F32") view.setFloat32(at, random() / 2 ** 32 - 0.5, true);
    else if (format === "BF16") view.setUint16(at, 0x3c00 + (random() % 0x180), true);
    else if (format === "MXFP4") view.setUint8(at, 118 + (random() % 8));
    else for (const { offset } of exponents) view.setUint16(at + offset, 0x1800 + (random() % 0x1000), true);
  }
  return bytes;
}
