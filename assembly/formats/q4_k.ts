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
import { bias, highNibbles, lowNibbles, nibbleMask, storeAffine, upperHalves } from "../widen";

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

/** 16 · bit j of each of the bytes at `bits`; nothing for Q4_K. */
@inline
function withFifth(q: v128, bits: usize, j: i32, fiveBits: bool): v128 {
  if (!fiveBits) return q;
  const fifth = v128.and(i16x8.shr_u(v128.load(bits), j), i8x16.splat(1));
  return v128.or(q, i16x8.shl(fifth, 4));
}

@inline
function decode(to: usize, from: usize, cols: i32, fiveBits: bool): void {
  const upper = upperHalves();
  const offset = bias(0);
  const nibbles = nibbleMask();
  for (let i = 0; i < cols; i += 256) {
    const d = loadF16(from);
    const dmin = loadF16(from + 2);
    const bits = from + 16;
    let qs = from + (fiveBits ? 48 : 16);
    for (let j = 0; j < 8; j += 2) {
      const p = v128.load(qs);
      const q = v128.load(qs, 16);
      let scale = f32x4.splat(d * <f32>scaleOf(from + 4, j));
      let min = f32x4.splat(-(dmin * <f32>minOf(from + 4, j)));
      storeAffine(to, withFifth(lowNibbles(p, nibbles), bits, j, fiveBits), upper, offset, scale, min);
      storeAffine(to + 64, withFifth(lowNibbles(q, nibbles), bits + 16, j, fiveBits), upper, offset, scale, min);
      scale = f32x4.splat(d * <f32>scaleOf(from + 4, j + 1));
      min = f32x4.splat(-(dmin * <f32>minOf(from + 4, j + 1)));
      storeAffine(to + 128, withFifth(highNibbles(p, nibbles), bits, j + 1, fiveBits), upper, offset, scale, min);
      storeAffine(to + 192, withFifth(highNibbles(q, nibbles), bits + 16, j + 1, fiveBits), upper, offset, scale, min);
      qs += 32;
      to += 256;
    }
    from = qs;
  }
}

export function decodeQ4_K(to: usize, from: usize, cols: i32): void {
  decode(to, from, cols, false);
}

export function decodeQ5_K(to: usize, from: usize, cols: i32): void {
  decode(to, from, cols, true);
}
