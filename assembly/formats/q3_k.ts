// Q3_K: 256 weights in 110 bytes, 3.4375 bits each. weight = (d · (scale − 32)) · (q + 4 · bit − 4), scale per 16 weights
//
//   byte  0               32                  96              108       110
//         ├─ 32 × 8 bits ─┼─ 64 × 4 × 2 bits ─┼─ 16 × 6 bits ─┼─ d f16 ─┤
//
// Part p = 8h + 2g + a (16 weights): two bits each in the second field, as twoBits (lanes.ts) finds them, and one bit each in
// the first field: bit 4h + g of bytes 16a … 16a + 15.
//
import { loadF16 } from "../f16";
import { storeScaled, twoBits } from "../lanes";

export const Q3_K: i32 = 11;

/** Scale p of 16, 6 bits: four from byte p % 8 (low nibble for p < 8), two from byte 8 + p % 4, at bit 2·⌊p / 4⌋. */
@inline
function scaleOf(s: usize, p: i32): i32 {
  const low = (<i32>load<u8>(s + (p & 7)) >> ((p >> 3) << 2)) & 15;
  const high = (<i32>load<u8>(s + 8 + (p & 3)) >> ((p >> 2) << 1)) & 3;
  return (low | (high << 4)) - 32;
}

export function decodeQ3_K(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 256) {
    const d = loadF16(from + 108);
    for (let part = 0; part < 16; part++) {
      const bit = ((part >> 3) << 2) + ((part >> 1) & 3);
      const third = v128.and(i8x16.shr_u(v128.load(from + ((part & 1) << 4)), bit), i8x16.splat(1));
      const q = i8x16.sub(v128.or(twoBits(from + 32, part), i8x16.shl(third, 2)), i8x16.splat(4));
      storeScaled(to, q, d * <f32>scaleOf(from + 96, part));
      to += 64;
    }
    from += 110;
  }
}
