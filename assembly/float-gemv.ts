// One token's products in float32: every weight is read once, so the weights come from memory, and rows are walked as two
// streams.
import { folded } from "./dot-f32";
import { firstHalves, HALVES_SCALE, lastHalves, WORD_MASK } from "./f16";
import { BF16, F16, F32, firstBF16, lastBF16 } from "./formats/floats";
import { decodeRow } from "./formats/formats";
import { sumF32 } from "./lanes";

/** y[r] for r < rows, row by row in two streams. */
export function floatGemv(
  format: i32,
  y: usize,
  w: usize,
  x: usize,
  cols: i32,
  rowBytes: i32,
  rows: i32,
  scratch: usize,
): void {
  const half = (rows + 1) >> 1;
  const other = scratch + (<usize>cols << 2);
  let kind = format;
  if (format == F16) {
    if (scaleUp(scratch, x, cols)) x = scratch;
    else kind = DECODED;
  } else if (format != F32 && format != BF16) {
    kind = DECODED;
  }
  for (let r = 0; r < half; r++) {
    // With an odd number of rows the last step does one of them twice.
    const s = min(r + half, rows - 1);
    const y1 = y + (<usize>r << 2);
    const y2 = y + (<usize>s << 2);
    const w1 = w + <usize>r * rowBytes;
    const w2 = w + <usize>s * rowBytes;
    if (kind == F32) {
      dotTwoF32(y1, y2, w1, w2, x, cols);
    } else if (kind == F16) {
      dotTwoHalves(F16, y1, y2, w1, w2, x, cols);
    } else if (kind == BF16) {
      dotTwoHalves(BF16, y1, y2, w1, w2, x, cols);
    } else {
      decodeRow(format, scratch, w1, cols);
      decodeRow(format, other, w2, cols);
      dotTwoF32(y1, y2, scratch, other, x, cols);
    }
  }
}

/** No format: rows that are decoded first. */
const DECODED: i32 = -1;

/**
 * x · 2¹¹², which the bits of F16 lack where float32 has them: one product fewer for each weight, and nothing is rounded.
 * False if a number of 2¹⁶ or more would not fit.
 */
function scaleUp(to: usize, x: usize, cols: i32): bool {
  const scale = i32x4.splat(HALVES_SCALE);
  let most = f32x4.splat(0);
  for (let i: usize = 0; i < <usize>cols << 2; i += 16) {
    const z = v128.load(x + i);
    most = f32x4.pmax(most, f32x4.abs(z)); // a NaN, which fits, is passed over
    v128.store(to + i, f32x4.mul(z, scale));
  }
  return !v128.any_true(f32x4.ge(most, f32x4.splat(65536)));
}

function dotTwoF32(y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  const end = x + (<usize>(cols & ~15) << 2);
  while (x < end) {
    let z = v128.load(x, 0);
    a0 = f32x4.add(a0, f32x4.mul(v128.load(w1, 0), z));
    b0 = f32x4.add(b0, f32x4.mul(v128.load(w2, 0), z));
    z = v128.load(x, 16);
    a1 = f32x4.add(a1, f32x4.mul(v128.load(w1, 16), z));
    b1 = f32x4.add(b1, f32x4.mul(v128.load(w2, 16), z));
    z = v128.load(x, 32);
    a2 = f32x4.add(a2, f32x4.mul(v128.load(w1, 32), z));
    b2 = f32x4.add(b2, f32x4.mul(v128.load(w2, 32), z));
    z = v128.load(x, 48);
    a3 = f32x4.add(a3, f32x4.mul(v128.load(w1, 48), z));
    b3 = f32x4.add(b3, f32x4.mul(v128.load(w2, 48), z));
    w1 += 64;
    w2 += 64;
    x += 64;
  }
  for (let i = cols & 15; i > 0; i -= 4) {
    const z = v128.load(x);
    a0 = f32x4.add(a0, f32x4.mul(v128.load(w1), z));
    b0 = f32x4.add(b0, f32x4.mul(v128.load(w2), z));
    w1 += 16;
    w2 += 16;
    x += 16;
  }
  store<f32>(y1, sumF32(folded(a0, a1, a2, a3)));
  store<f32>(y2, sumF32(folded(b0, b1, b2, b3)));
}

/** The same for F16 and BF16; F16 comes out 2⁻¹¹² too small, which `x` makes up for. */
@inline
function dotTwoHalves(format: i32, y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(WORD_MASK);
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  const end = x + (<usize>(cols & ~15) << 2);
  while (x < end) {
    let p = v128.load(w1);
    let q = v128.load(w2);
    let z = v128.load(x, 0);
    a0 = f32x4.add(a0, f32x4.mul(firstFour(format, p, mask), z));
    b0 = f32x4.add(b0, f32x4.mul(firstFour(format, q, mask), z));
    z = v128.load(x, 16);
    a1 = f32x4.add(a1, f32x4.mul(lastFour(format, p, mask), z));
    b1 = f32x4.add(b1, f32x4.mul(lastFour(format, q, mask), z));
    p = v128.load(w1, 16);
    q = v128.load(w2, 16);
    z = v128.load(x, 32);
    a2 = f32x4.add(a2, f32x4.mul(firstFour(format, p, mask), z));
    b2 = f32x4.add(b2, f32x4.mul(firstFour(format, q, mask), z));
    z = v128.load(x, 48);
    a3 = f32x4.add(a3, f32x4.mul(lastFour(format, p, mask), z));
    b3 = f32x4.add(b3, f32x4.mul(lastFour(format, q, mask), z));
    w1 += 32;
    w2 += 32;
    x += 64;
  }
  for (let i = cols & 15; i > 0; i -= 4) {
    const z = v128.load(x);
    a0 = f32x4.add(a0, f32x4.mul(firstFour(format, v128.load64_zero(w1), mask), z));
    b0 = f32x4.add(b0, f32x4.mul(firstFour(format, v128.load64_zero(w2), mask), z));
    w1 += 8;
    w2 += 8;
    x += 16;
  }
  store<f32>(y1, sumF32(folded(a0, a1, a2, a3)));
  store<f32>(y2, sumF32(folded(b0, b1, b2, b3)));
}

@inline
function firstFour(format: i32, eight: v128, mask: v128): v128 {
  return format == BF16 ? firstBF16(eight) : firstHalves(eight, mask);
}

@inline
function lastFour(format: i32, eight: v128, mask: v128): v128 {
  return format == BF16 ? lastBF16(eight) : lastHalves(eight, mask);
}
