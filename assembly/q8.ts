// Activations in int8: 32 values in 40 bytes, made anew for every row that meets a quantized weight.
//
//   byte  0           4           8                  39
//         ├─ scale f32 ┼─ sum i32 ─┼─ 0 ─ 1 ─ …  ─ 31 ─┤     value[i] ≈ scale · q[i];  sum = Σ q[i]
//
// llama.cpp's Q8_0 with two changes: the scale keeps its float32, and the sum, which Q4_0's offset and the minima of
// Q4_K and Q5_K need, is made once. Rounding is to nearest, ties to even; |q| ≤ 127.

/** Bytes of a block of 32 activations. */
export const Q8_BYTES: i32 = 40;

/** x f32[n] → n / 32 blocks at `to`; n % 32 == 0. Rows of activations follow one another, so n may span them. */
export function quantize(to: usize, x: usize, n: i32): void {
  for (let block = 0; block < n; block += 32) {
    let max = f32x4.splat(0);
    for (let i = 0; i < 128; i += 16) max = f32x4.pmax(max, f32x4.abs(v128.load(x + i)));
    const amax = Mathf.max(
      Mathf.max(f32x4.extract_lane(max, 0), f32x4.extract_lane(max, 1)),
      Mathf.max(f32x4.extract_lane(max, 2), f32x4.extract_lane(max, 3)),
    );
    const scale = amax / <f32>127.0;
    // Below the smallest normal float 1 / scale may overflow: such a block counts as zero.
    const inverse = f32x4.splat(scale < <f32>1.17549435e-38 ? 0 : <f32>1.0 / scale);
    let sum = i32x4.splat(0);
    for (let i = 0; i < 32; i += 8) {
      const a = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x + (i << 2)), inverse)));
      const b = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x + (i << 2), 16), inverse)));
      const words = i16x8.narrow_i32x4_s(a, b);
      sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(words));
      v128.store64_lane(to + 8 + i, i8x16.narrow_i16x8_s(words, words), 0);
    }
    store<f32>(to, scale);
    store<i32>(
      to,
      i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3),
      4,
    );
    x += 128;
    to += Q8_BYTES;
  }
}
