// From step 2 on, activations are int8: blocks of 32 columns, of 40 bytes.
//
//   byte  0            4        8                40
//         ├─ scale f32 ┼─ sum ──┼─ 32 × q int8 ──┤       x[i] ≈ scale · q[i];  sum = Σ q, for step 4
export const X_BYTES: i32 = 40;

/** x f32[cols] → blocks at `to`. Rounded to nearest, ties to even. */
export function quantize(to: usize, x: usize, cols: i32): void {
  for (let b = 0; b < cols; b += 32) {
    let most: f32 = 0;
    for (let i = 0; i < 32; i++) most = max(most, abs(load<f32>(x + (i << 2))));
    const scale = most / <f32>127;
    const inverse: f32 = scale == 0 ? 0 : <f32>1 / scale;
    let sum = 0;
    for (let i = 0; i < 32; i++) {
      const q = <i32>nearest(load<f32>(x + (i << 2)) * inverse);
      store<i8>(to + 8 + i, q);
      sum += q;
    }
    store<f32>(to, scale);
    store<i32>(to, sum, 4);
    x += 128;
    to += X_BYTES;
  }
}
