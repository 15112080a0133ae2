// Q2_K: 256 weights in 84 bytes, 2.625 bits each. weight = (d · scale) · q − (dmin · min), both per 16 weights
//
//   byte  0                    16                  80        82           84
//         ├─ 16 × min|scale ───┼─ 64 × 4 × 2 bits ─┼─ d f16 ─┼─ dmin f16 ─┤     high nibble | low nibble
//
import { loadF16 } from "../f16";
import { bias, storeAffine, twoBits, upperHalves } from "../widen";

export const Q2_K: i32 = 10;

/** 16 weights, whose scale and minimum are one byte. */
@inline
function storePart(to: usize, q: v128, byte: usize, d: f32, dmin: f32, upper: v128, offset: v128): void {
  const packed = <i32>load<u8>(byte);
  const scale = f32x4.splat(d * <f32>(packed & 15));
  storeAffine(to, q, upper, offset, scale, f32x4.splat(-(dmin * <f32>(packed >> 4))));
}

export function decodeQ2_K(to: usize, from: usize, cols: i32): void {
  const upper = upperHalves();
  const offset = bias(0);
  for (let i = 0; i < cols; i += 256) {
    const d = loadF16(from + 80);
    const dmin = loadF16(from + 82);
    // Sixteen bytes hold bits of four parts, 32 weights apart: part p = 8h + 2g + a is bits 2g, 2g + 1 of bytes 32h + 16a …
    for (let bytes = 0; bytes < 4; bytes++) {
      const part = ((bytes & 2) << 2) | (bytes & 1);
      const q = v128.load(from + 16 + (bytes << 4));
      const y = to + (part << 6);
      storePart(y, twoBits(q, 0), from + part, d, dmin, upper, offset);
      storePart(y + 128, twoBits(q, 2), from + part + 2, d, dmin, upper, offset);
      storePart(y + 256, twoBits(q, 4), from + part + 4, d, dmin, upper, offset);
      storePart(y + 384, twoBits(q, 6), from + part + 6, d, dmin, upper, offset);
    }
    to += 1024;
    from += 84;
  }
}
