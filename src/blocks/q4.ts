// Q4_0 and Q4_1: 32 weights to a block, 4 bits each.
//
//   Q4_0, 18 bytes, weight[i] = d · (nibble[i] − 8)
//   byte  0         2        3                 17
//         ├─ d f16 ─┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤     high nibble | low nibble
//
//   Q4_1, 20 bytes, weight[i] = d · nibble[i] + m
//   byte  0         2         4        5                 19
//         ├─ d f16 ─┼─ m f16 ─┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤
//
// d · nibble has at most 16 significant bits and is exact in a double, so storing rounds once, as float32 does.

import { type BlockFormat, half } from "./block-format.ts";
import { readF16, writeF16 } from "./f16.ts";
import { extremeOf, rangeOf, stepCodes } from "./steps.ts";

const codes = new Uint8Array(32);

export const Q4_0: BlockFormat<"Q4_0"> = {
  name: "Q4_0",
  ggmlType: 2,
  blockLength: 32,
  blockBytes: 18,
  exponents: [half(0)],
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[offset + 2 + i];
      to[at + i] = d * ((pair & 15) - 8);
      to[at + 16 + i] = d * ((pair >> 4) - 8);
    }
  },
  /** The weight of largest magnitude becomes −8 exactly. */
  encode(from, at, bytes, offset) {
    const d = Math.fround(extremeOf(from, at) / -8);
    writeF16(bytes, offset, d);
    stepCodes(from, at, 0, d, 8, 15, codes);
    for (let i = 0; i < 16; i++) bytes[offset + 2 + i] = codes[i] | (codes[i + 16] << 4);
  },
};

export const Q4_1: BlockFormat<"Q4_1"> = {
  name: "Q4_1",
  ggmlType: 3,
  blockLength: 32,
  blockBytes: 20,
  exponents: [half(0), half(2)],
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset);
    const m = readF16(bytes, offset + 2);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[offset + 4 + i];
      to[at + i] = d * (pair & 15) + m;
      to[at + 16 + i] = d * (pair >> 4) + m;
    }
  },
  encode(from, at, bytes, offset) {
    const { low, high } = rangeOf(from, at);
    const d = Math.fround(Math.fround(high - low) / 15);
    writeF16(bytes, offset, d);
    writeF16(bytes, offset + 2, low);
    stepCodes(from, at, low, d, 0, 15, codes);
    for (let i = 0; i < 16; i++) bytes[offset + 4 + i] = codes[i] | (codes[i + 16] << 4);
  },
};
