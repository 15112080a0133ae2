// Q8_0: 32 weights in 34 bytes, 8.5 bits each. weight[i] = d · q[i]
//
//   byte  0         2      3            33
//         ├─ d f16 ─┼─ q0 ─┼─ q1 ─ …  ─ q31 ─┤     each q an i8

import { type BlockFormat, half } from "./block-format.ts";
import { readF16, writeF16 } from "./f16.ts";

export const Q8_0: BlockFormat<"Q8_0"> = {
  name: "Q8_0",
  ggmlType: 8,
  blockLength: 32,
  blockBytes: 34,
  exponents: [half(0)],
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset);
    for (let i = 0; i < 32; i++) to[at + i] = d * ((bytes[offset + 2 + i] << 24) >> 24);
  },
  /** Scales to ±127 by the unrounded d, rounds half away from zero, stores d as a half (gguf-py quants.py, Q8_0). */
  encode(from, at, bytes, offset) {
    let largest = 0;
    for (let i = 0; i < 32; i++) largest = Math.max(largest, Math.abs(from[at + i]));
    const d = Math.fround(largest / 127);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    writeF16(bytes, offset, d);
    for (let i = 0; i < 32; i++) {
      const scaled = Math.fround(from[at + i] * inverse);
      bytes[offset + 2 + i] = Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5);
    }
  },
};
