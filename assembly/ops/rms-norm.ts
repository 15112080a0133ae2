// x / √(mean(x²) + eps) · w, over every run of n numbers: a row, or one head of it.
import { dotF32 } from "../dot-f32";

/** y, x  f32[runs, n], runs [begin, end); w  f32[n]; n % 4 == 0. dotF32 sums the squares. */
export function rmsNorm(y: usize, x: usize, w: usize, n: i32, eps: f32, begin: i32, end: i32): void {
  const bytes = n << 2;
  x += <usize>begin * bytes;
  y += <usize>begin * bytes;
  for (let run = begin; run < end; run++) {
    const inverse = f32x4.splat(<f32>1.0 / sqrt<f32>(dotF32(x, x, n) / <f32>n + eps));
    for (let i = 0; i < bytes; i += 16) {
      v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), inverse), v128.load(w + i)));
    }
    x += bytes;
    y += bytes;
  }
}
