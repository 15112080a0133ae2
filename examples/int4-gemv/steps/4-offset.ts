// Step 4: the offset leaves the loop.
//
//   Σ (n − 8) · q  =  Σ n · q  −  8 · Σ q
//
// Σ q does not depend on the row. It is computed once with the activations (`sum`), and serves every row of every matrix that
// is multiplied by them. The nibbles stay as they are in the file, 0 to 15. That saves two subtractions for 32 weights, and
// makes the next step possible.
import { X_BYTES } from "./activations";
import { half } from "./half";

export { quantize } from "./activations";

export function gemv(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  const fifteen = i8x16.splat(15);
  for (let r = 0; r < rows; r++) {
    let sum: f32 = 0;
    let block = x;
    for (let c = 0; c < cols; c += 32) {
      const bytes = v128.load(w, 2);
      const low = v128.and(bytes, fifteen);
      const high = i8x16.shr_u(bytes, 4);
      const sums = i32x4.add(products(low, v128.load(block, 8)), products(high, v128.load(block, 24)));
      sum += half(w) * load<f32>(block) * <f32>(across(sums) - 8 * load<i32>(block, 4));
      w += 18;
      block += X_BYTES;
    }
    store<f32>(y + (r << 2), sum);
  }
}

@inline
function products(a: v128, b: v128): v128 {
  return i32x4.add(
    i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(a), i16x8.extend_low_i8x16_s(b)),
    i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(a), i16x8.extend_high_i8x16_s(b)),
  );
}

@inline
function across(x: v128): i32 {
  return i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1) + i32x4.extract_lane(x, 2) + i32x4.extract_lane(x, 3);
}
