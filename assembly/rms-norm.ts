// x / √(mean(x²) + eps) · w, over every run of n values.
import { dotF32 } from "./row";

/** y, x  f32[runs, n]; w  f32[n]; n % 4 == 0. The sum of squares is dotF32's. */
export function rmsNorm(y: usize, x: usize, w: usize, runs: i32, n: i32, eps: f32): void {
  const bytes = n << 2;
  for (let run = 0; run < runs; run++) {
    const inverse = f32x4.splat(<f32>1.0 / sqrt<f32>(dotF32(x, x, n) / <f32>n + eps));
    for (let i = 0; i < bytes; i += 16) {
      v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), inverse), v128.load(w + i)));
    }
    x += bytes;
    y += bytes;
  }
}
