// IQ4_NL and IQ4_XS: 4 bits a weight, an index into 16 values that lie closer together near zero.
//
//   IQ4_NL, 32 weights in 18 bytes, 4.5 bits each, weight = d · value[nibble]
//   byte  0         2        3                 17
//         ├─ d f16 ─┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤     high nibble | low nibble
//
//   IQ4_XS, 256 weights in 136 bytes, 4.25 bits each, weight = (d · (scale − 32)) · value[nibble], scale per 32 weights
//   byte  0         2                    4                  8                 136
//         ├─ d f16 ─┼─ 8 × high 2 bits ──┼─ 8 × low 4 bits ─┼─ 8 × 16 bytes ──┤
//
import { loadF16 } from "../f16";
import {
  bias,
  halvesMask,
  halvesScale,
  highNibbles,
  lowNibbles,
  nibbleMask,
  splatHalf,
  storeScaled,
  upperHalves,
} from "../widen";

export const IQ4_NL: i32 = 20;
export const IQ4_XS: i32 = 23;

/** The values plus 128: −127, −104, −83, −65, −49, −35, −22, −10, 1, 13, 25, 38, 53, 69, 89, 113. */
@inline
function values(): v128 {
  return i8x16(1, 24, 45, 63, 79, 93, 106, 118, -127, -115, -103, -90, -75, -59, -39, -15);
}

export function decodeIQ4_NL(to: usize, from: usize, cols: i32): void {
  const upper = upperHalves();
  const offset = bias(128);
  const mask = halvesMask();
  const scale = halvesScale();
  const nibbles = nibbleMask();
  for (let i = 0; i < cols; i += 32) {
    const d = splatHalf(from, mask, scale);
    const q = v128.load(from, 2);
    storeScaled(to, i8x16.swizzle(values(), lowNibbles(q, nibbles)), upper, offset, d);
    storeScaled(to + 64, i8x16.swizzle(values(), highNibbles(q, nibbles)), upper, offset, d);
    from += 18;
    to += 128;
  }
}

export function decodeIQ4_XS(to: usize, from: usize, cols: i32): void {
  const upper = upperHalves();
  const offset = bias(128);
  const nibbles = nibbleMask();
  for (let i = 0; i < cols; i += 256) {
    const d = loadF16(from);
    const highs = <i32>load<u16>(from, 2);
    for (let j = 0; j < 8; j++) {
      const low = (<i32>load<u8>(from + 4 + (j >> 1)) >> ((j & 1) << 2)) & 15;
      const scale = (low | (((highs >> (j << 1)) & 3) << 4)) - 32;
      const q = v128.load(from + 8 + (j << 4));
      const factor = f32x4.splat(d * <f32>scale);
      storeScaled(to, i8x16.swizzle(values(), lowNibbles(q, nibbles)), upper, offset, factor);
      storeScaled(to + 64, i8x16.swizzle(values(), highNibbles(q, nibbles)), upper, offset, factor);
      to += 128;
    }
    from += 136;
  }
}
