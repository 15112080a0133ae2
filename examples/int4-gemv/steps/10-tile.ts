// Step 10: prefill. Weights that were loaded once serve four tokens.
//
//                    token 0   1   2   3
//   8 rows of W   ┌─────────────────────┐
//   (one load)    │ 8 × 4 sums, int32   │    eight registers
//                 └─────────────────────┘
//
// The tokens of a prompt are all there at once. Reading the weights again for each would make a prompt as slow as decode. Here a
// nibble that was loaded and masked serves four tokens, so a product needs a quarter of the loads and masks. Arithmetic is the
// limit now, so speed is counted in billions of operations per second. The float32 sums are kept in memory, because sixteen
// registers have no room for eight more.
import { X_BYTES } from "./activations";

export { quantize } from "./activations";
export { pack } from "./pack";

/** x: four rows of blocks, `stride` bytes apart; y: [4, rows]. */
export function gemmOfFour(y: usize, w: usize, x: usize, stride: i32, rows: i32, cols: i32): void {
  const fifteen = i8x16.splat(15);
  for (let r = 0; r < rows; r += 8) {
    for (let token = 0; token < 4; token++) memory.fill(y + ((token * rows + r) << 2), 0, 32);
    for (let c = 0; c < cols; c += 32) {
      const at = x + (c >> 5) * X_BYTES;
      let a0 = i32x4.splat(-8 * load<i32>(at, 4));
      let a1 = i32x4.splat(-8 * load<i32>(at + stride, 4));
      let a2 = i32x4.splat(-8 * load<i32>(at + 2 * stride, 4));
      let a3 = i32x4.splat(-8 * load<i32>(at + 3 * stride, 4));
      let b0 = a0;
      let b1 = a1;
      let b2 = a2;
      let b3 = a3;
      for (let k = 0; k < 8; k++) {
        const bytes = (k & 3) << 5;
        let m = v128.load(w + bytes, 16);
        let n = v128.load(w + bytes, 32);
        m = k < 4 ? v128.and(m, fifteen) : i8x16.shr_u(m, 4);
        n = k < 4 ? v128.and(n, fifteen) : i8x16.shr_u(n, 4);
        const q = at + 8 + (k << 2);
        let four = v128.load32_splat(q);
        a0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(four, m, a0);
        b0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(four, n, b0);
        four = v128.load32_splat(q + stride);
        a1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(four, m, a1);
        b1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(four, n, b1);
        four = v128.load32_splat(q + 2 * stride);
        a2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(four, m, a2);
        b2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(four, n, b2);
        four = v128.load32_splat(q + 3 * stride);
        a3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(four, m, a3);
        b3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(four, n, b3);
      }
      const d = halves(w);
      const e = halves(w + 8);
      addTo(y + (r << 2), d, e, at, a0, b0);
      addTo(y + ((rows + r) << 2), d, e, at + stride, a1, b1);
      addTo(y + ((2 * rows + r) << 2), d, e, at + 2 * stride, a2, b2);
      addTo(y + ((3 * rows + r) << 2), d, e, at + 3 * stride, a3, b3);
      w += 144;
    }
  }
}

@inline
function addTo(y: usize, d: v128, e: v128, x: usize, a: v128, b: v128): void {
  const scale = v128.load32_splat(x);
  v128.store(y, f32x4.add(v128.load(y), f32x4.mul(f32x4.mul(d, scale), f32x4.convert_i32x4_s(a))));
  v128.store(y, f32x4.add(v128.load(y, 16), f32x4.mul(f32x4.mul(e, scale), f32x4.convert_i32x4_s(b))), 16);
}

/** Four halves as float32; see half.ts. */
@inline
function halves(address: usize): v128 {
  const bits = i32x4.extend_low_i16x8_u(v128.load64_zero(address));
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  const size = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  return f32x4.mul(v128.or(sign, size), f32x4.splat(reinterpret<f32>(0x77800000)));
}
