// Q6_K: 256 weights in 210 bytes, 6.5625 bits each. 16 sub-blocks s of 16, each with an i8 scale.
// weight[i] = d · scale[s] · (q[i] − 32), s = ⌊i / 16⌋; q = four low bits + 16 · two high bits
//
//   byte  0                128               192             208       210
//         ├─ low nibbles ──┼─ high pairs 64 ─┼─ scales 16 i8 ─┼─ d f16 ─┤
//
//   Weight 128h + 32g + l: low nibble in byte 64h + 32(g mod 2) + l, upper half of it for g ≥ 2;
//   high pair in byte 32h + l, bits 2g and 2g + 1.
//
// d · scale · q fits 24 bits, so it is exact.

import { readF16 } from "./f16.ts";
import type { BlockFormat } from "./formats.ts";

export const Q6_K: BlockFormat = {
  name: "Q6_K",
  ggmlType: 14,
  blockLength: 256,
  blockBytes: 210,
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset + 208);
    for (let s = 0; s < 16; s++) {
      const scale = d * ((bytes[offset + 192 + s] << 24) >> 24);
      const half = s >> 3;
      const g = (s >> 1) & 3;
      const l = 16 * (s & 1);
      const low = offset + 64 * half + 32 * (g & 1) + l;
      const high = offset + 128 + 32 * half + l;
      const lowShift = 4 * (g >> 1);
      const highShift = 2 * g;
      for (let i = 0; i < 16; i++) {
        const q = ((bytes[low + i] >> lowShift) & 15) | (((bytes[high + i] >> highShift) & 3) << 4);
        to[at + 16 * s + i] = scale * (q - 32);
      }
    }
  },
};
