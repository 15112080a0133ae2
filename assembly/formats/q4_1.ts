// Q4_1: 32 weights in 20 bytes, 5 bits each. weight[i] = d · nibble[i] + m
//
//   byte  0         2         4                  19
//         ├─ d f16 ─┼─ m f16 ─┼─ 16|0 ─ …  ─ 31|15 ─┤     high nibble | low nibble
//
import { loadF16 } from "../f16";
import { highNibbles, lowNibbles, storeAffine } from "../lanes";

export function decodeQ4_1(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 32) {
    const d = loadF16(from);
    const m = loadF16(from + 2);
    const q = v128.load(from, 4);
    storeAffine(to, lowNibbles(q), d, m);
    storeAffine(to + 64, highNibbles(q), d, m);
    from += 20;
    to += 128;
  }
}
