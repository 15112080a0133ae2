// The sum of products, for float32 weights and for norms.
import { sumF32 } from "./lanes";

/** Σ a[i] · b[i] in float32: sixteen partial sums, one for each i mod 16, added up in a fixed order. n % 4 == 0. */
export function dotF32(a: usize, b: usize, n: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a, 0), v128.load(b, 0)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(a, 16), v128.load(b, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(a, 32), v128.load(b, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(a, 48), v128.load(b, 48)));
    a += 64;
    b += 64;
  }
  for (; i < n; i += 4) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a), v128.load(b)));
    a += 16;
    b += 16;
  }
  return sumF32(folded(s0, s1, s2, s3));
}

/** Four vectors of partial sums as one. */
@inline
export function folded(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  return f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
}
