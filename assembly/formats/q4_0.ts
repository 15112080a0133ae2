// Q4_0: 32 weights in 18 bytes, 4.5 bits each. weight[i] = d · (nibble[i] − 8)
//
//   byte  0         2        3                 17
//         ├─ d f16 ─┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤     high nibble | low nibble
//
import { loadF16 } from "../f16";
import { highNibbles, lowNibbles, storeScaled } from "../lanes";

export function decodeQ4_0(to: usize, from: usize, cols: i32): void {
  const eight = i8x16.splat(8);
  for (let i = 0; i < cols; i += 32) {
    const d = loadF16(from);
    const q = v128.load(from, 2);
    storeScaled(to, i8x16.sub(lowNibbles(q), eight), d);
    storeScaled(to + 64, i8x16.sub(highNibbles(q), eight), d);
    from += 18;
    to += 128;
  }
}
