// MXFP4: 32 weights in 17 bytes, 4.25 bits each. weight[i] = value[nibble[i]] · 2^(e − 128)
//
//   byte  0      1        2                 16
//         ├─ e ──┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤     high nibble | low nibble
//
// The nibble is a sign, two exponent bits and a mantissa bit (OCP Microscaling Formats 1.0, E2M1); the values below
// are doubled to be integers, and 2^(e − 128) instead of 2^(e − 127) makes up for it. To ggml, e = 255 is like any other.
import type { BlockFormat } from "./block-format.ts";

const values = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
const scales = Float64Array.from({ length: 256 }, (_, e) => 2 ** (e - 128));

export const MXFP4: BlockFormat<"MXFP4"> = {
  name: "MXFP4",
  ggmlType: 39,
  blockLength: 32,
  blockBytes: 17,
  // Only its four largest scales can make a weight leave float32.
  exponents: [{ offset: 0, mask: 0x00fc }],
  decode(bytes, offset, to, at) {
    const scale = scales[bytes[offset]];
    for (let i = 0; i < 16; i++) {
      const pair = bytes[offset + 1 + i];
      to[at + i] = scale * values[pair & 15];
      to[at + 16 + i] = scale * values[pair >> 4];
    }
  },
};
