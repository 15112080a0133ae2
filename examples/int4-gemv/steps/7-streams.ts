// Step 7: two strips at once, which keeps memory busy.
//
//   strip i      ─────▶ ┐
//                       ├─ the same four columns of x
//   strip i + n  ─────▶ ┘        n: half of all strips
//
// By now the arithmetic is cheap, and the loop waits for weights. Memory can answer many requests at a time, but one stream of
// addresses makes only a few; the hardware that fetches ahead follows several streams. Reading from two places keeps more reads
// under way, and each load of x serves sixteen rows. Two threads, each with half of the rows, double the streams again.
import { X_BYTES } from "./activations";

export { quantize } from "./activations";
export { pack } from "./pack";

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
  const fifteen = i8x16.splat(15);
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
      s = i32x4.relaxed_dot_i8x16_i7x16_add_s(high, i8x16.shr_u(m, 4), s);
      t = i32x4.relaxed_dot_i8x16_i7x16_add_s(high, i8x16.shr_u(n, 4), t);
      m = v128.load(w2 + (k << 5), 16);
      n = v128.load(w2 + (k << 5), 32);
      u = i32x4.relaxed_dot_i8x16_i7x16_add_s(low, v128.and(m, fifteen), u);
      v = i32x4.relaxed_dot_i8x16_i7x16_add_s(low, v128.and(n, fifteen), v);
      u = i32x4.relaxed_dot_i8x16_i7x16_add_s(high, i8x16.shr_u(m, 4), u);
      v = i32x4.relaxed_dot_i8x16_i7x16_add_s(high, i8x16.shr_u(n, 4), v);
    }
    const scale = v128.load32_splat(x);
    a = f32x4.add(a, f32x4.mul(f32x4.mul(halves(w1), scale), f32x4.convert_i32x4_s(s)));
    b = f32x4.add(b, f32x4.mul(f32x4.mul(halves(w1 + 8), scale), f32x4.convert_i32x4_s(t)));
    c = f32x4.add(c, f32x4.mul(f32x4.mul(halves(w2), scale), f32x4.convert_i32x4_s(u)));
    d = f32x4.add(d, f32x4.mul(f32x4.mul(halves(w2 + 8), scale), f32x4.convert_i32x4_s(v)));
    w1 += 144;
    w2 += 144;
    x += X_BYTES;
  }
  v128.store(y1, a, 0);
  v128.store(y1, b, 16);
  v128.store(y2, c, 0);
  v128.store(y2, d, 16);
}

/** Four halves as float32; see half.ts. */
@inline
function halves(address: usize): v128 {
  const bits = i32x4.extend_low_i16x8_u(v128.load64_zero(address));
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  const size = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  return f32x4.mul(v128.or(sign, size), f32x4.splat(reinterpret<f32>(0x77800000)));
}
