// Q6_K: 256 weights in 210 bytes, 6.5625 bits each. weight = (d · scale) · (q − 32), scale per 16 weights
//
//   byte  0                128             192            208       209
//         ├─ low 4 bits ───┼─ high 2 bits ─┼─ 16 × int8 ──┼─ d f16 ─┤
//
// Half h (128 weights), group g = 0 … 3, l = 0 … 31, weight 128h + 32g + l:
//   low = nibble (g >> 1) of byte 64h + 32·(g & 1) + l      high = bits 2g, 2g + 1 of byte 128 + 32h + l
//
import { loadF16 } from "../f16";
import { bias, highNibbles, lowNibbles, nibbleMask, storeScaled, upperHalves } from "../widen";

export const Q6_K: i32 = 14;

export function decodeQ6_K(to: usize, from: usize, cols: i32): void {
  const upper = upperHalves();
  const offset = bias(32);
  const nibbles = nibbleMask();
  for (let i = 0; i < cols; i += 256) {
    const d = loadF16(from + 208);
    // Sixteen bytes of high bits, and two times sixteen of low ones, hold four parts, 32 weights apart.
    for (let bytes = 0; bytes < 4; bytes++) {
      const part = ((bytes & 2) << 2) | (bytes & 1);
      const at = from + ((bytes & 2) << 5) + ((bytes & 1) << 4);
      const p = v128.load(at);
      const q = v128.load(at, 32);
      const high = v128.load(from + 128 + (bytes << 4));
      const scales = from + 192 + part;
      const y = to + (part << 6);
      storeScaled(y, v128.or(lowNibbles(p, nibbles), upperBits(i16x8.shl(high, 4))), upper, offset, factor(scales, d));
      storeScaled(
        y + 128,
        v128.or(lowNibbles(q, nibbles), upperBits(i16x8.shl(high, 2))),
        upper,
        offset,
        factor(scales + 2, d),
      );
      storeScaled(y + 256, v128.or(highNibbles(p, nibbles), upperBits(high)), upper, offset, factor(scales + 4, d));
      storeScaled(
        y + 384,
        v128.or(highNibbles(q, nibbles), upperBits(i16x8.shr_u(high, 2))),
        upper,
        offset,
        factor(scales + 6, d),
      );
    }
    from += 210;
    to += 1024;
  }
}

/** The two bits that have been shifted to bits 4 and 5 of each byte. */
@inline
function upperBits(bytes: v128): v128 {
  return v128.and(bytes, i8x16.splat(48));
}

@inline
function factor(scale: usize, d: f32): v128 {
  return f32x4.splat(d * <f32>load<i8>(scale));
}
