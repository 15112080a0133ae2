// Q8_0: 32 weights in 34 bytes, 8.5 bits each. weight[i] = d · q[i]
//
//   byte  0         2                33
//         ├─ d f16 ─┼─ 0 ─ 1 ─ …  ─ 31 ─┤     int8
//
import { loadF16 } from "../f16";
import { storeScaled } from "../lanes";

export const Q8_0: i32 = 8;

export function decodeQ8_0(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 32) {
    const d = loadF16(from);
    storeScaled(to, v128.load(from, 2), d);
    storeScaled(to + 64, v128.load(from, 18), d);
    from += 34;
    to += 128;
  }
}
