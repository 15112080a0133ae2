// Step 8: written so that V8 makes good machine code of it.
//
// Three things that one sees only in machine code and in the measured speed:
//
// - V8 builds a constant vector again wherever it is used, even in the innermost loop. A vector that is splatted from a global
//   before the loop stays in a register, as long as the optimizer cannot tell that the global never changes. So the global is
//   mutable and exported.
// - Four halves become float32 in two instructions instead of six: once they are sign-extended, one shift puts their bits in
//   place. The missing factor 2¹¹² is multiplied into the scale of x, once for sixteen rows.
// - x86 cannot shift bytes: V8 compiles i8x16.shr_u to a shift of 16-bit words and a mask, which it builds each time. Written as
//   a shift of words and a mask, it uses the mask that is in a register already.
//
// This is the shipped kernel, assembly/packed/q4_0.ts.
import { X_BYTES } from "./activations";

export { quantize } from "./activations";
export { pack } from "./pack";

/** 15 in every byte, and the bits that a half's fields have in a float32. */
export let FIFTEEN: i32 = 0x0f0f0f0f;
export let FIELDS: i32 = 0x8fffe000;

export function gemv(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  const strips = rows >> 3;
  const stripBytes = (cols >> 5) * 144;
  const half = (strips + 1) >> 1;
  for (let i = 0; i < half; i++) {
    // If the number of strips is odd, one is computed twice.
    const other = min(i + half, strips - 1);
    two(y + (i << 5), y + (other << 5), w + i * stripBytes, w + other * stripBytes, x, cols);
  }
}

@inline
function two(y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const fifteen = i32x4.splat(FIFTEEN);
  const fields = i32x4.splat(FIELDS);
  let a = f32x4.splat(0);
  let b = f32x4.splat(0);
  let c = f32x4.splat(0);
  let d = f32x4.splat(0);
  for (let i = 0; i < cols; i += 32) {
    let s = i32x4.splat(-8 * load<i32>(x, 4));
    let t = s;
    let u = s;
    let v = s;
    for (let k = 0; k < 4; k++) {
      const low = v128.load32_splat(x + 8 + (k << 2));
      const high = v128.load32_splat(x + 24 + (k << 2));
      let m = v128.load(w1 + (k << 5), 16);
      let n = v128.load(w1 + (k << 5), 32);
      s = i32x4.relaxed_dot_i8x16_i7x16_add_s(low, v128.and(m, fifteen), s);
      t = i32x4.relaxed_dot_i8x16_i7x16_add_s(low, v128.and(n, fifteen), t);
      s = i32x4.relaxed_dot_i8x16_i7x16_add_s(high, v128.and(i16x8.shr_u(m, 4), fifteen), s);
      t = i32x4.relaxed_dot_i8x16_i7x16_add_s(high, v128.and(i16x8.shr_u(n, 4), fifteen), t);
      m = v128.load(w2 + (k << 5), 16);
      n = v128.load(w2 + (k << 5), 32);
      u = i32x4.relaxed_dot_i8x16_i7x16_add_s(low, v128.and(m, fifteen), u);
      v = i32x4.relaxed_dot_i8x16_i7x16_add_s(low, v128.and(n, fifteen), v);
      u = i32x4.relaxed_dot_i8x16_i7x16_add_s(high, v128.and(i16x8.shr_u(m, 4), fifteen), u);
      v = i32x4.relaxed_dot_i8x16_i7x16_add_s(high, v128.and(i16x8.shr_u(n, 4), fifteen), v);
    }
    const scale = f32x4.mul(v128.load32_splat(x), f32x4.splat(reinterpret<f32>(0x77800000)));
    a = f32x4.add(a, f32x4.mul(f32x4.mul(halves(w1, fields), scale), f32x4.convert_i32x4_s(s)));
    b = f32x4.add(b, f32x4.mul(f32x4.mul(halves(w1 + 8, fields), scale), f32x4.convert_i32x4_s(t)));
    c = f32x4.add(c, f32x4.mul(f32x4.mul(halves(w2, fields), scale), f32x4.convert_i32x4_s(u)));
    d = f32x4.add(d, f32x4.mul(f32x4.mul(halves(w2 + 8, fields), scale), f32x4.convert_i32x4_s(v)));
    w1 += 144;
    w2 += 144;
    x += X_BYTES;
  }
  v128.store(y1, a, 0);
  v128.store(y1, b, 16);
  v128.store(y2, c, 0);
  v128.store(y2, d, 16);
}

/** Four halves as float32, times 2⁻¹¹²: their bits in a float32's place, the sign by sign extension. */
@inline
function halves(address: usize, fields: v128): v128 {
  return v128.and(i32x4.shl(v128.load16x4_s(address), 13), fields);
}
