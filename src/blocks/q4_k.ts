// Q4_K and Q5_K: 256 weights to a block. 8 sub-blocks s of 32, each with a 6-bit scale and minimum.
// weight[i] = d · scale[s] · q[i] − dmin · min[s], s = ⌊i / 32⌋
//
//   Q4_K, 144 bytes, 4.5 bits each
//   byte  0         2            4             16                144
//         ├─ d f16 ─┼─ dmin f16 ─┼─ scales 12 ─┼─ nibbles 128 ───┤
//
//   Q5_K, 176 bytes, 5.5 bits each
//   byte  0         2            4             16               48                176
//         ├─ d f16 ─┼─ dmin f16 ─┼─ scales 12 ─┼─ fifth bits 32 ─┼─ nibbles 128 ───┤
//
//   Nibble byte 32c + l: weight 64c + l low, 64c + 32 + l high. Fifth bit of weight 32s + l: bit s of byte l.
//
//   scales  byte 0-3            4-7                8-11
//           s[j+4] 5,4 | s[j]   m[j+4] 5,4 | m[j]  m[j+4] 3-0 | s[j+4] 3-0      j = 0 … 3
//
// Both products fit 24 bits, so they are exact; storing their difference rounds once, as float32 does.

import { readF16 } from "./f16.ts";
import type { BlockFormat } from "./formats.ts";

function scaleOf(bytes: Uint8Array, scales: number, s: number): number {
  if (s < 4) return bytes[scales + s] & 63;
  return (bytes[scales + s + 4] & 15) | ((bytes[scales + s - 4] >> 6) << 4);
}

function minOf(bytes: Uint8Array, scales: number, s: number): number {
  if (s < 4) return bytes[scales + s + 4] & 63;
  return (bytes[scales + s + 4] >> 4) | ((bytes[scales + s] >> 6) << 4);
}

export const Q4_K: BlockFormat = {
  name: "Q4_K",
  ggmlType: 12,
  blockLength: 256,
  blockBytes: 144,
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset);
    const dmin = readF16(bytes, offset + 2);
    for (let s = 0; s < 8; s++) {
      const scale = d * scaleOf(bytes, offset + 4, s);
      const min = dmin * minOf(bytes, offset + 4, s);
      const q = offset + 16 + 32 * (s >> 1);
      const shift = 4 * (s & 1);
      for (let l = 0; l < 32; l++) to[at + 32 * s + l] = scale * ((bytes[q + l] >> shift) & 15) - min;
    }
  },
};

export const Q5_K: BlockFormat = {
  name: "Q5_K",
  ggmlType: 13,
  blockLength: 256,
  blockBytes: 176,
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset);
    const dmin = readF16(bytes, offset + 2);
    const fifth = offset + 16;
    for (let s = 0; s < 8; s++) {
      const scale = d * scaleOf(bytes, offset + 4, s);
      const min = dmin * minOf(bytes, offset + 4, s);
      const q = offset + 48 + 32 * (s >> 1);
      const shift = 4 * (s & 1);
      for (let l = 0; l < 32; l++) {
        const five = ((bytes[q + l] >> shift) & 15) | (((bytes[fifth + l] >> s) & 1) << 4);
        to[at + 32 * s + l] = scale * five - min;
      }
    }
  },
};
