// IQ4_NL and IQ4_XS: 4 bits a weight, an index into 16 values that lie closer together near zero.
//
//   IQ4_NL, 32 weights in 18 bytes, 4.5 bits each, weight[i] = d · value[nibble[i]]
//   byte  0         2        3                 17
//         ├─ d f16 ─┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤     high nibble | low nibble
//
//   IQ4_XS, 256 weights in 136 bytes, 4.25 bits each, weight[i] = d · (scale[s] − 32) · value[nibble[i]], s = ⌊i / 32⌋
//   byte  0         2                4              8                                136
//         ├─ d f16 ─┼─ high u16 ─────┼─ low nibbles ─┼─ 8 sub-blocks of 16|0 … 31|15 ─┤
//
//   Scale s: low 4 bits in byte ⌊s / 2⌋ (low nibble for even s), high 2 bits in bits 2s, 2s + 1 of the u16.
//
// Products fit 24 bits, so they are exact.

import { type BlockFormat, half } from "./block-format.ts";
import { readF16 } from "./f16.ts";

const values = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

function decodePairs(scale: number, bytes: Uint8Array, offset: number, to: Float32Array, at: number): void {
  for (let i = 0; i < 16; i++) {
    const pair = bytes[offset + i];
    to[at + i] = scale * values[pair & 15];
    to[at + 16 + i] = scale * values[pair >> 4];
  }
}

export const IQ4_NL: BlockFormat<"IQ4_NL"> = {
  name: "IQ4_NL",
  ggmlType: 20,
  blockLength: 32,
  blockBytes: 18,
  exponents: [half(0)],
  decode(bytes, offset, to, at) {
    decodePairs(readF16(bytes, offset), bytes, offset + 2, to, at);
  },
};

export const IQ4_XS: BlockFormat<"IQ4_XS"> = {
  name: "IQ4_XS",
  ggmlType: 23,
  blockLength: 256,
  blockBytes: 136,
  exponents: [half(0)],
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset);
    const highs = bytes[offset + 2] | (bytes[offset + 3] << 8);
    for (let s = 0; s < 8; s++) {
      const low = (bytes[offset + 4 + (s >> 1)] >> (4 * (s & 1))) & 15;
      const high = (highs >> (2 * s)) & 3;
      decodePairs(d * ((low | (high << 4)) - 32), bytes, offset + 8 + 16 * s, to, at + 32 * s);
    }
  },
};
