// Q8_0: 32 weights in 34 bytes, 8.5 bits each. weight[i] = d · q[i]
//
//   byte  0         2                33
//         ├─ d f16 ─┼─ 0 ─ 1 ─ …  ─ 31 ─┤     int8
//
import { bias, halvesMask, halvesScale, splatHalf, storeScaled, upperHalves } from "../widen";

export const Q8_0: i32 = 8;

export function decodeQ8_0(to: usize, from: usize, cols: i32): void {
  const upper = upperHalves();
  const offset = bias(128);
  const mask = halvesMask();
  const scale = halvesScale();
  const flip = i8x16.splat(-128); // −128 … 127 as 0 … 255
  for (let i = 0; i < cols; i += 32) {
    const d = splatHalf(from, mask, scale);
    storeScaled(to, v128.xor(v128.load(from, 2), flip), upper, offset, d);
    storeScaled(to + 64, v128.xor(v128.load(from, 18), flip), upper, offset, d);
    from += 34;
    to += 128;
  }
}
