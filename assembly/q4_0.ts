// Q4_0: 32 weights in 18 bytes, 4.5 bits each. weight[i] = d · (nibble[i] − 8)
//
//   byte  0         2        3                 17
//         ├─ d f16 ─┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤     high nibble | low nibble
//
import { loadF16 } from "./f16";
import { dotI8, highNibbles, lowNibbles, storeScaled, sumI32 } from "./lanes";
import { Q8_BYTES } from "./q8";

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

/** Σ w[i] · x[i]; exact within a block: |Σ| ≤ 32 · 8 · 127 = 32 512. Block by block, left to right. */
export function dotQ4_0(w: usize, x: usize, cols: i32): f32 {
  let total: f32 = 0;
  for (let i = 0; i < cols; i += 32) {
    const q = v128.load(w, 2);
    const products = i32x4.add(dotI8(lowNibbles(q), v128.load(x, 8)), dotI8(highNibbles(q), v128.load(x, 24)));
    // Σ (q − 8) · a = Σ q · a − 8 · Σ a
    const sum = sumI32(products) - (load<i32>(x, 4) << 3);
    total += loadF16(w) * load<f32>(x) * <f32>sum;
    w += 18;
    x += Q8_BYTES;
  }
  return total;
}
