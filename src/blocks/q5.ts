// Q5_0 and Q5_1: 32 weights to a block, 5 bits each: the nibbles of Q4 and a word of fifth bits.
//
//   Q5_0, 22 bytes, weight[i] = d · (q[i] − 16)         q[i] = nibble[i] + 16 · (bit i of qh)
//   byte  0         2          6        7                 21
//         ├─ d f16 ─┼─ qh u32 ─┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤     high nibble | low nibble
//
//   Q5_1, 24 bytes, weight[i] = d · q[i] + m
//   byte  0         2         4          8        9                 23
//         ├─ d f16 ─┼─ m f16 ─┼─ qh u32 ─┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤
//
// Products are exact in a double, so storing rounds once, as float32 does.

import { type BlockFormat, half } from "./block-format.ts";
import { readF16, writeF16 } from "./f16.ts";
import { extremeOf, rangeOf, stepCodes } from "./steps.ts";

const codes = new Uint8Array(32);

/** `codes` as a word of fifth bits at `bytes[qh]` and the nibbles behind it. */
function writeCodes(bytes: Uint8Array, qh: number): void {
  let fifths = 0;
  for (let i = 0; i < 32; i++) fifths |= (codes[i] >> 4) << i;
  for (let i = 0; i < 4; i++) bytes[qh + i] = fifths >>> (8 * i);
  for (let i = 0; i < 16; i++) bytes[qh + 4 + i] = (codes[i] & 15) | ((codes[i + 16] & 15) << 4);
}

function readU32(bytes: Uint8Array, offset: number): number {
  return bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) | (bytes[offset + 3] << 24);
}

export const Q5_0: BlockFormat<"Q5_0"> = {
  name: "Q5_0",
  ggmlType: 6,
  blockLength: 32,
  blockBytes: 22,
  exponents: [half(0)],
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset);
    const qh = readU32(bytes, offset + 2);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[offset + 6 + i];
      to[at + i] = d * (((pair & 15) | (((qh >>> i) & 1) << 4)) - 16);
      to[at + 16 + i] = d * (((pair >> 4) | (((qh >>> (16 + i)) & 1) << 4)) - 16);
    }
  },
  /** The weight of largest magnitude becomes −16 exactly. */
  encode(from, at, bytes, offset) {
    const d = Math.fround(extremeOf(from, at) / -16);
    writeF16(bytes, offset, d);
    stepCodes(from, at, 0, d, 16, 31, codes);
    writeCodes(bytes, offset + 2);
  },
};

export const Q5_1: BlockFormat<"Q5_1"> = {
  name: "Q5_1",
  ggmlType: 7,
  blockLength: 32,
  blockBytes: 24,
  exponents: [half(0), half(2)],
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset);
    const m = readF16(bytes, offset + 2);
    const qh = readU32(bytes, offset + 4);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[offset + 8 + i];
      to[at + i] = d * ((pair & 15) | (((qh >>> i) & 1) << 4)) + m;
      to[at + 16 + i] = d * ((pair >> 4) | (((qh >>> (16 + i)) & 1) << 4)) + m;
    }
  },
  encode(from, at, bytes, offset) {
    const { low, high } = rangeOf(from, at);
    const d = Math.fround(Math.fround(high - low) / 31);
    writeF16(bytes, offset, d);
    writeF16(bytes, offset + 2, low);
    stepCodes(from, at, low, d, 0, 31, codes);
    writeCodes(bytes, offset + 4);
  },
};
