// MXFP4: 32 weights in 17 bytes, 4.25 bits each. weight = value[nibble] · 2^(e − 128)
//
//   byte  0      1        2                 16
//         ├─ e ──┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤     high nibble | low nibble
//
import { bias, highNibbles, lowNibbles, nibbleMask, storeScaled, upperHalves } from "../widen";

export const MXFP4: i32 = 39;

export function decodeMXFP4(to: usize, from: usize, cols: i32): void {
  // The values of E2M1, doubled to be integers; 2^(e − 128) instead of 2^(e − 127) makes up for it.
  // They are held plus 12: 0, 1, 2, 3, 4, 6, 8, 12, 0, −1, −2, −3, −4, −6, −8, −12.
  const table = i8x16(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0);
  const upper = upperHalves();
  const offset = bias(12);
  const nibbles = nibbleMask();
  for (let i = 0; i < cols; i += 32) {
    const e = <u32>load<u8>(from);
    const d = f32x4.splat(reinterpret<f32>(e < 2 ? <u32>0x00200000 << e : (e - 1) << 23));
    const q = v128.load(from, 1);
    storeScaled(to, i8x16.swizzle(table, lowNibbles(q, nibbles)), upper, offset, d);
    storeScaled(to + 64, i8x16.swizzle(table, highNibbles(q, nibbles)), upper, offset, d);
    from += 17;
    to += 128;
  }
}
