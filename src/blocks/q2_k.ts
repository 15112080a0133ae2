// Q2_K: 256 weights in 84 bytes, 2.625 bits each. 16 sub-blocks s of 16, each with a 4-bit scale and minimum.
// weight[i] = d · scale[s] · q[i] − dmin · min[s], s = ⌊i / 16⌋
//
//   byte  0               16            80        82           84
//         ├─ min|scale ×16 ─┼─ q 64 bytes ─┼─ d f16 ─┼─ dmin f16 ─┤     high nibble | low nibble
//
//   q byte 32h + l holds weights 128h + l, + 32, + 64, + 96 in bits 0-1, 2-3, 4-5, 6-7.
//
// Both products fit 24 bits, so they are exact; storing their difference rounds once, as float32 does.

import { type BlockFormat, half } from "./block-format.ts";
import { readF16 } from "./f16.ts";

export const Q2_K: BlockFormat<"Q2_K"> = {
  name: "Q2_K",
  ggmlType: 10,
  blockLength: 256,
  blockBytes: 84,
  exponents: [half(80), half(82)],
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset + 80);
    const dmin = readF16(bytes, offset + 82);
    for (let s = 0; s < 16; s++) {
      const scale = d * (bytes[offset + s] & 15);
      const min = dmin * (bytes[offset + s] >> 4);
      // Sub-blocks go in pairs over 32 bytes, four pairs (bit shifts) to a half.
      const q = offset + 16 + 32 * (s >> 3) + 16 * (s & 1);
      const shift = s & 6;
      for (let i = 0; i < 16; i++) to[at + 16 * s + i] = scale * ((bytes[q + i] >> shift) & 3) - min;
    }
  },
};
