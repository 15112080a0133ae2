// Q8_0: 32 weights in 34 bytes, 8.5 bits each. weight[i] = d · q[i]
//
//   byte  0         2                33
//         ├─ d f16 ─┼─ 0 ─ 1 ─ …  ─ 31 ─┤     int8
//
import { loadF16 } from "./f16";
import { dotI8, storeScaled, sumI32 } from "./lanes";
import { Q8_BYTES } from "./q8";

export function decodeQ8_0(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 32) {
    const d = loadF16(from);
    storeScaled(to, v128.load(from, 2), d);
    storeScaled(to + 64, v128.load(from, 18), d);
    from += 34;
    to += 128;
  }
}

/** Σ w[i] · x[i]; exact within a block: |Σ| ≤ 32 · 128 · 127 = 520 192. Block by block, left to right. */
export function dotQ8_0(w: usize, x: usize, cols: i32): f32 {
  let total: f32 = 0;
  for (let i = 0; i < cols; i += 32) {
    const products = i32x4.add(dotI8(v128.load(w, 2), v128.load(x, 8)), dotI8(v128.load(w, 18), v128.load(x, 24)));
    total += loadF16(w) * load<f32>(x) * <f32>sumI32(products);
    w += 34;
    x += Q8_BYTES;
  }
  return total;
}
