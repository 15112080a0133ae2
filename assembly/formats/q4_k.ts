// Q4_K: 256 weights in 144 bytes, 4.5 bits each. weight = (d · scale) · q − (dmin · min), scale and min per 32 weights
// Q5_K: 256 weights in 176 bytes, 5.5 bits each. The same with a fifth bit per weight.
//
//   Q4_K  0         2            4                    16                143
//         ├─ d f16 ─┼─ dmin f16 ─┼─ 8 × (scale, min) ─┼─ 4 × 32 nibble pairs ─┤
//   Q5_K  0         2            4                    16               48                175
//         ├─ d f16 ─┼─ dmin f16 ─┼─ 8 × (scale, min) ─┼─ 32 × 8 bits ──┼─ 4 × 32 nibble pairs ─┤
//
// Pair c, byte l: low nibble is weight 64c + l, high nibble 64c + 32 + l. Bit j of byte l of the bits belongs to
// weight 32j + l. Scales and minima are 6 bits each, packed in 12 bytes s:
//   j < 4:  scale = s[j] & 63                                min = s[j + 4] & 63
//   j ≥ 4:  scale = s[j + 4] & 15 | (s[j − 4] >> 6) << 4     min = s[j + 4] >> 4 | (s[j] >> 6) << 4
//
import { loadF16 } from "../f16";
import { highNibbles, lowNibbles, storeAffine } from "../lanes";

export const Q4_K: i32 = 12;
export const Q5_K: i32 = 13;

@inline
export function scaleOf(s: usize, j: i32): i32 {
  if (j < 4) return <i32>load<u8>(s + j) & 63;
  return (<i32>load<u8>(s + j, 4) & 15) | ((<i32>load<u8>(s + j - 4) >> 6) << 4);
}

@inline
export function minOf(s: usize, j: i32): i32 {
  if (j < 4) return <i32>load<u8>(s + j, 4) & 63;
  return (<i32>load<u8>(s + j, 4) >> 4) | ((<i32>load<u8>(s + j) >> 6) << 4);
}

/** Weights 16·half … of group j, 0 … 15 or 0 … 31. `bits` is 0 for Q4_K. */
@inline
function group(qs: usize, bits: usize, j: i32, half: i32): v128 {
  const pair = v128.load(qs + ((j >> 1) << 5) + half);
  const q = j & 1 ? highNibbles(pair) : lowNibbles(pair);
  if (!bits) return q;
  const fifth = v128.and(i8x16.shr_u(v128.load(bits + half), j), i8x16.splat(1));
  return v128.or(q, i8x16.shl(fifth, 4));
}

@inline
function decode(to: usize, from: usize, cols: i32, fiveBits: bool): void {
  for (let i = 0; i < cols; i += 256) {
    const d = loadF16(from);
    const dmin = loadF16(from + 2);
    const bits: usize = fiveBits ? from + 16 : 0;
    const qs = from + (fiveBits ? 48 : 16);
    for (let j = 0; j < 8; j++) {
      const scale = d * <f32>scaleOf(from + 4, j);
      const min = dmin * <f32>minOf(from + 4, j);
      storeAffine(to, group(qs, bits, j, 0), scale, -min);
      storeAffine(to + 64, group(qs, bits, j, 16), scale, -min);
      to += 128;
    }
    from = qs + 128;
  }
}

export function decodeQ4_K(to: usize, from: usize, cols: i32): void {
  decode(to, from, cols, false);
}

export function decodeQ5_K(to: usize, from: usize, cols: i32): void {
  decode(to, from, cols, true);
}
