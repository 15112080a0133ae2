// Four bits that index a table of 16 values.
// IQ4_NL: 32 weights in 18 bytes, 4.5 bits each.   weight = d · table[nibble]
// IQ4_XS: 256 weights in 136 bytes, 4.25 bits each. weight = (d · (scale − 32)) · table[nibble], scale per 32 weights
// MXFP4:  32 weights in 17 bytes, 4.25 bits each.  weight = 2^(e − 128) · table[nibble]
//
//   IQ4_NL  0         2                  17
//           ├─ d f16 ─┼─ 16|0 ─ …  ─ 31|15 ─┤     high nibble | low nibble, also below
//   IQ4_XS  0         2                    4                   8               135
//           ├─ d f16 ─┼─ 8 × high 2 bits ──┼─ 8 × low 4 bits ──┼─ 8 × 16 bytes ──┤
//   MXFP4   0      1                  16
//           ├─ e u8 ─┼─ 16|0 ─ …  ─ 31|15 ─┤
//
import { loadF16 } from "../f16";
import { highNibbles, lowNibbles, storeScaled } from "../lanes";

@inline
function storeTable(to: usize, nibbles: v128, table: v128, d: f32): void {
  storeScaled(to, i8x16.swizzle(table, lowNibbles(nibbles)), d);
  storeScaled(to + 64, i8x16.swizzle(table, highNibbles(nibbles)), d);
}

@inline
function nonLinear(): v128 {
  return i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
}

export function decodeIQ4_NL(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 32) {
    storeTable(to, v128.load(from, 2), nonLinear(), loadF16(from));
    from += 18;
    to += 128;
  }
}

export function decodeIQ4_XS(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 256) {
    const d = loadF16(from);
    const highs = <i32>load<u16>(from, 2);
    for (let j = 0; j < 8; j++) {
      const low = (<i32>load<u8>(from + 4 + (j >> 1)) >> ((j & 1) << 2)) & 15;
      const scale = (low | (((highs >> (j << 1)) & 3) << 4)) - 32;
      storeTable(to, v128.load(from + 8 + (j << 4)), nonLinear(), d * <f32>scale);
      to += 128;
    }
    from += 136;
  }
}

export function decodeMXFP4(to: usize, from: usize, cols: i32): void {
  // Twice the values of FP4 (E2M1), so that they are integers; the exponent is one lower for it.
  const table = i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
  for (let i = 0; i < cols; i += 32) {
    const e = <u32>load<u8>(from);
    const d = reinterpret<f32>(e < 2 ? <u32>0x00200000 << e : (e - 1) << 23);
    storeTable(to, v128.load(from, 1), table, d);
    from += 17;
    to += 128;
  }
}
