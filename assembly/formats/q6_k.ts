// Q6_K: 256 weights in 210 bytes, 6.5625 bits each. weight = (d · scale) · (q − 32), scale per 16 weights
//
//   byte  0                128             192            208       209
//         ├─ low 4 bits ───┼─ high 2 bits ─┼─ 16 × int8 ──┼─ d f16 ─┤
//
// Half h (128 weights), group g = 0 … 3, l = 0 … 31, weight 128h + 32g + l:
//   low = nibble (g >> 1) of byte 64h + 32·(g & 1) + l      high = bits 2g, 2g + 1 of byte 128 + 32h + l
//
import { loadF16 } from "../f16";
import { highNibbles, lowNibbles, storeScaled } from "../lanes";

export const Q6_K: i32 = 14;

/** Weights 128h + 32g + at … + 15, at = 0 or 16, as −32 … 31. */
@inline
function sixteen(w: usize, h: i32, g: i32, at: i32): v128 {
  const bytes = v128.load(w + (h << 6) + ((g & 1) << 5) + at);
  const low = g & 2 ? highNibbles(bytes) : lowNibbles(bytes);
  const high = v128.and(i8x16.shr_u(v128.load(w + 128 + (h << 5) + at), g << 1), i8x16.splat(3));
  return i8x16.sub(v128.or(low, i8x16.shl(high, 4)), i8x16.splat(32));
}

export function decodeQ6_K(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 256) {
    const d = loadF16(from + 208);
    for (let part = 0; part < 16; part++) {
      // part = 8h + 2g + at / 16
      const q = sixteen(from, part >> 3, (part >> 1) & 3, (part & 1) << 4);
      storeScaled(to, q, d * <f32>load<i8>(from + 192 + part));
      to += 64;
    }
    from += 210;
  }
}
