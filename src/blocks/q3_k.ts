// Q3_K: 256 weights in 110 bytes, 3.4375 bits each. 16 sub-blocks s of 16, each with a 6-bit scale.
// weight[i] = d · (scale[s] − 32) · (q[i] − 4), s = ⌊i / 16⌋; q = two low bits + 4 · high bit
//
//   byte  0                32            96             108       110
//         ├─ high bits 32 ─┼─ q 64 bytes ─┼─ scales 12 ─┼─ d f16 ─┤
//
//   q byte 32h + l holds weights 128h + l, + 32, + 64, + 96 in bits 0-1, 2-3, 4-5, 6-7.
//   High bit of weight 32g + l: bit g of byte l.
//   Scale s: low 4 bits in byte s mod 8 (low nibble for s < 8), high 2 bits in byte 8 + s mod 4, bits 2⌊s / 4⌋.
//
// d · scale · q fits 24 bits, so it is exact.

import { type BlockFormat, half } from "./block-format.ts";
import { readF16 } from "./f16.ts";

export const Q3_K: BlockFormat<"Q3_K"> = {
  name: "Q3_K",
  ggmlType: 11,
  blockLength: 256,
  blockBytes: 110,
  exponents: [half(108)],
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset + 108);
    const scales = offset + 96;
    for (let s = 0; s < 16; s++) {
      const low = (bytes[scales + (s & 7)] >> (s < 8 ? 0 : 4)) & 15;
      const high = (bytes[scales + 8 + (s & 3)] >> (2 * (s >> 2))) & 3;
      const scale = d * ((low | (high << 4)) - 32);
      const l = 16 * (s & 1);
      const q = offset + 32 + 32 * (s >> 3) + l;
      const shift = s & 6;
      const bit = s >> 1;
      for (let i = 0; i < 16; i++) {
        const three = ((bytes[q + i] >> shift) & 3) | (((bytes[offset + l + i] >> bit) & 1) << 2);
        to[at + 16 * s + i] = scale * (three - 4);
      }
    }
  },
};
