// Q3_K: 256 weights in 110 bytes, 3.4375 bits each. weight = (d · (scale − 32)) · (q + 4 · bit − 4), scale per 16 weights
//
//   byte  0               32                  96              108       110
//         ├─ 32 × 8 bits ─┼─ 64 × 4 × 2 bits ─┼─ 16 × 6 bits ─┼─ d f16 ─┤
//
// Part p = 8h + 2g + a holds 16 weights: bits 2g and 2g + 1 of bytes 32h + 16a … of the second field, and bit 4h + g of
// bytes 16a … of the field of single bits.
//
import { loadF16 } from "../f16";
import { bias, storeScaled, twoBits, upperHalves } from "../widen";

export const Q3_K: i32 = 11;

/** Scale p of 16, 6 bits: four from byte p % 8 (low nibble for p < 8), two from byte 8 + p % 4, at bit 2·⌊p / 4⌋. */
@inline
function scaleOf(s: usize, p: i32): i32 {
  const low = (<i32>load<u8>(s + (p & 7)) >> ((p >> 3) << 2)) & 15;
  const high = (<i32>load<u8>(s + 8 + (p & 3)) >> ((p >> 2) << 1)) & 3;
  return (low | (high << 4)) - 32;
}

/** The bit that has been shifted to bit 2 of each byte. */
@inline
function third(bytes: v128): v128 {
  return v128.and(bytes, i8x16.splat(4));
}

@inline
function factor(s: usize, part: i32, d: f32): v128 {
  return f32x4.splat(d * <f32>scaleOf(s, part));
}

export function decodeQ3_K(to: usize, from: usize, cols: i32): void {
  const upper = upperHalves();
  const offset = bias(4);
  for (let i = 0; i < cols; i += 256) {
    const d = loadF16(from + 108);
    for (let bytes = 0; bytes < 4; bytes++) {
      const part = ((bytes & 2) << 2) | (bytes & 1);
      const q = v128.load(from + 32 + (bytes << 4));
      // Its four single bits now are bits 0 … 3.
      const single = i16x8.shr_u(v128.load(from + ((bytes & 1) << 4)), (bytes & 2) << 1);
      const y = to + (part << 6);
      const s = from + 96;
      storeScaled(y, v128.or(twoBits(q, 0), third(i16x8.shl(single, 2))), upper, offset, factor(s, part, d));
      storeScaled(y + 128, v128.or(twoBits(q, 2), third(i16x8.shl(single, 1))), upper, offset, factor(s, part + 2, d));
      storeScaled(y + 256, v128.or(twoBits(q, 4), third(single)), upper, offset, factor(s, part + 4, d));
      storeScaled(y + 384, v128.or(twoBits(q, 6), third(i16x8.shr_u(single, 1))), upper, offset, factor(s, part + 6, d));
    }
    to += 1024;
    from += 110;
  }
}
