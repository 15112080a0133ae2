// Step 3: sixteen at a time.
//
//   16 bytes of W ─┬─ & 15 ──▶ 16 low nibbles  − 8 ──▶ two registers of 8 × int16 ─┐
//                  └─ >> 4 ──▶ 16 high nibbles − 8 ──▶ two registers of 8 × int16 ─┴─▶ dot, 4 × int32
//
// One load now brings 32 weights. i32x4.dot_i16x8_s multiplies eight pairs of 16-bit numbers and adds neighbours; the four
// sums of a row are added at the end of each block. Half of the instructions only widen bytes to 16 bits.
import { X_BYTES } from "./activations";
import { half } from "./half";

export { quantize } from "./activations";

export function gemv(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  const fifteen = i8x16.splat(15);
  const eight = i8x16.splat(8);
  for (let r = 0; r < rows; r++) {
    let sum: f32 = 0;
    let block = x;
    for (let c = 0; c < cols; c += 32) {
      const bytes = v128.load(w, 2);
      const low = i8x16.sub(v128.and(bytes, fifteen), eight);
      const high = i8x16.sub(i8x16.shr_u(bytes, 4), eight);
      const sums = i32x4.add(products(low, v128.load(block, 8)), products(high, v128.load(block, 24)));
      sum += half(w) * load<f32>(block) * <f32>across(sums);
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
