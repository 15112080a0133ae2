// Q2_K: 256 weights in 84 bytes, 2.625 bits each. weight = (d · scale) · q − (dmin · min), both per 16 weights
//
//   byte  0                    16                  80        82           84
//         ├─ 16 × min|scale ───┼─ 64 × 4 × 2 bits ─┼─ d f16 ─┼─ dmin f16 ─┤     high nibble | low nibble
//
import { loadF16 } from "../f16";
import { storeAffine, twoBits } from "../lanes";

export const Q2_K: i32 = 10;

export function decodeQ2_K(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 256) {
    const d = loadF16(from + 80);
    const dmin = loadF16(from + 82);
    for (let part = 0; part < 16; part++) {
      const packed = <i32>load<u8>(from + part);
      storeAffine(to, twoBits(from + 16, part), d * <f32>(packed & 15), -(dmin * <f32>(packed >> 4)));
      to += 64;
    }
    from += 84;
  }
}
