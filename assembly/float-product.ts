// Products of float32 activations with weights of any block format.
//
// The order of additions is the same whatever the path: each result has sixteen partial sums, of columns i mod 16, which
// are folded in a fixed order (dot-f32.ts). So its bits depend on its row and its token alone.
//
// One token reads every weight once, so the weights come from memory and rows are walked as two streams. Several tokens
// read them often, so 8 rows are decoded to float32 and multiplied by tiles of 4 rows × 2 tokens. Sixteen partial sums of
// 8 products are 32 vectors, more than there are registers: a tile takes a fourth of the columns at a time, those whose
// sums are in the same vector, and a piece of PIECE columns of 8 rows and 2 tokens stays in the first-level cache
// meanwhile. The sums wait in scratch memory from piece to piece.
import { folded } from "./dot-f32";
import { firstHalves, HALVES_SCALE, lastHalves, WORD_MASK } from "./f16";
import { BF16, F16, F32, firstBF16, lastBF16 } from "./formats/floats";
import { decodeRow } from "./formats/formats";
import { sumF32, sumsOfPairsF32 } from "./lanes";

/** Columns of a piece, a multiple of every block's length; 2 KiB of a row of float32. */
const PIECE: i32 = 512;
const PIECE_BYTES: usize = 2048;
/** Rows that are decoded together. */
const ROWS: i32 = 8;
/** Tokens whose sums wait at a time. */
const TOKENS: i32 = 64;
/** Sums of a token: 4 vectors × 8 rows. */
const SUM_BYTES: usize = 512;

/** Bytes of scratch: sums of up to TOKENS tokens, then 8 decoded rows, [pieces, 8, PIECE]. */
export function floatScratch(cols: i32, tokens: i32): i32 {
  return <i32>(<usize>min(tokens, TOKENS) * SUM_BYTES + <usize>((cols + PIECE - 1) / PIECE * ROWS) * PIECE_BYTES);
}

/**
 * y[i, r] = Σ W[r, c] · x[i / perRow, c] for r in [begin, end), i = order[0] … order[count − 1], or 0 … count − 1 if
 * order is 0.
 *
 * y  f32[…, rows]        w  blocks, row-major, `rowBytes` to a row        x  f32[…, cols]
 * scratch  floatScratch(cols, count) bytes; 16-aligned
 */
export function multiplyRows(
  format: i32,
  y: usize,
  w: usize,
  x: usize,
  perRow: i32,
  order: usize,
  count: i32,
  rows: i32,
  cols: i32,
  rowBytes: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  if (begin >= end) return;
  w += <usize>begin * rowBytes;
  y += <usize>begin << 2;
  const many = end - begin;
  if (count == 1) {
    const i = choice(order, 0);
    const to = y + (<usize>(i * rows) << 2);
    const from = x + (<usize>(i / perRow * cols) << 2);
    gemv(format, to, w, from, cols, rowBytes, many, scratch);
    return;
  }
  const strip = scratch + <usize>min(count, TOKENS) * SUM_BYTES;
  // Tokens outside, rows inside: the tokens of a group stay in the second-level cache, and decoding a strip again for the
  // next group costs a thirtieth of its products.
  for (let t = 0; t < count; t += TOKENS) {
    const tokens = min(TOKENS, count - t);
    for (let r = 0; r < many; r += ROWS) {
      const here = min(ROWS, many - r);
      decodeStrip(format, strip, w + <usize>r * rowBytes, here, cols, rowBytes);
      multiplyStrip(y + (<usize>r << 2), strip, x, perRow, order, t, tokens, rows, cols, here, scratch);
    }
  }
}

@inline
function choice(order: usize, i: i32): i32 {
  return order ? load<i32>(order + (<usize>i << 2)) : i;
}

/** y[r] for r < rows, row by row in two streams. */
function gemv(
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

/** Up to 8 rows in float32: [pieces, 8, PIECE]. */
function decodeStrip(format: i32, strip: usize, w: usize, rows: i32, cols: i32, rowBytes: i32): void {
  const pieceBytes = <usize>(rowBytes * PIECE / cols);
  for (let r = 0; r < rows; r++) {
    let to = strip + <usize>r * PIECE_BYTES;
    let from = w + <usize>r * rowBytes;
    for (let c = 0; c < cols; c += PIECE) {
      decodeRow(format, to, from, min(PIECE, cols - c));
      to += ROWS * PIECE_BYTES;
      from += pieceBytes;
    }
  }
}

/** The products of a strip's `here` rows with choices first … first + count − 1. */
function multiplyStrip(
  y: usize,
  strip: usize,
  x: usize,
  perRow: i32,
  order: usize,
  first: i32,
  count: i32,
  rows: i32,
  cols: i32,
  here: i32,
  sums: usize,
): void {
  memory.fill(sums, 0, <usize>count * SUM_BYTES);
  for (let c = 0; c < cols; c += PIECE) {
    const n = min(PIECE, cols - c);
    let z = sums;
    for (let t = 0; t < count; t += 2) {
      const x0 = x + (<usize>(choice(order, first + t) / perRow * cols + c) << 2);
      if (t + 1 < count) {
        const x1 = x + (<usize>(choice(order, first + t + 1) / perRow * cols + c) << 2);
        tileTwo(z, strip, x0, x1, n);
        if (here > 4) tileTwo(z + 64, strip + 4 * PIECE_BYTES, x0, x1, n);
      } else {
        tileOne(z, strip, x0, n);
      }
      z += 2 * SUM_BYTES;
    }
    strip += ROWS * PIECE_BYTES;
  }
  for (let t = 0; t < count; t++) {
    const z = sums + <usize>t * SUM_BYTES;
    const to = y + (<usize>(choice(order, first + t) * rows) << 2);
    const low = foldRows(z);
    const high = foldRows(z + 64);
    if (here == ROWS) {
      v128.store(to, low);
      v128.store(to, high, 16);
    } else {
      v128.store(z, low);
      v128.store(z, high, 16);
      for (let r = 0; r < here << 2; r += 4) store<f32>(to + r, load<f32>(z + r));
    }
  }
}

/** Sums of 4 rows with 2 tokens, whose sums are SUM_BYTES apart, over n columns. */
function tileTwo(z: usize, w: usize, x0: usize, x1: usize, n: i32): void {
  for (let part = 0; part < 4; part++) {
    let a0 = v128.load(z, 0);
    let a1 = v128.load(z, 16);
    let a2 = v128.load(z, 32);
    let a3 = v128.load(z, 48);
    let b0 = v128.load(z, 512);
    let b1 = v128.load(z, 528);
    let b2 = v128.load(z, 544);
    let b3 = v128.load(z, 560);
    let at = w;
    let u = x0;
    let v = x1;
    let step: usize = 64;
    for (let count = n >> 4; ; ) {
      for (; count > 0; count--) {
        const s = v128.load(u);
        const t = v128.load(v);
        let m = v128.load(at);
        a0 = f32x4.add(a0, f32x4.mul(m, s));
        b0 = f32x4.add(b0, f32x4.mul(m, t));
        m = v128.load(at, 2048);
        a1 = f32x4.add(a1, f32x4.mul(m, s));
        b1 = f32x4.add(b1, f32x4.mul(m, t));
        m = v128.load(at, 4096);
        a2 = f32x4.add(a2, f32x4.mul(m, s));
        b2 = f32x4.add(b2, f32x4.mul(m, t));
        m = v128.load(at, 6144);
        a3 = f32x4.add(a3, f32x4.mul(m, s));
        b3 = f32x4.add(b3, f32x4.mul(m, t));
        at += step;
        u += step;
        v += step;
      }
      // Columns beyond a multiple of sixteen all join the first vector.
      if (part > 0 || step == 16) break;
      step = 16;
      count = (n & 15) >> 2;
    }
    v128.store(z, a0, 0);
    v128.store(z, a1, 16);
    v128.store(z, a2, 32);
    v128.store(z, a3, 48);
    v128.store(z, b0, 512);
    v128.store(z, b1, 528);
    v128.store(z, b2, 544);
    v128.store(z, b3, 560);
    z += 128;
    w += 16;
    x0 += 16;
    x1 += 16;
  }
}

/** Sums of 8 rows with one token over n columns. */
function tileOne(z: usize, w: usize, x: usize, n: i32): void {
  for (let part = 0; part < 4; part++) {
    let a0 = v128.load(z, 0);
    let a1 = v128.load(z, 16);
    let a2 = v128.load(z, 32);
    let a3 = v128.load(z, 48);
    let a4 = v128.load(z, 64);
    let a5 = v128.load(z, 80);
    let a6 = v128.load(z, 96);
    let a7 = v128.load(z, 112);
    let at = w;
    let u = x;
    let step: usize = 64;
    for (let count = n >> 4; ; ) {
      for (; count > 0; count--) {
        const s = v128.load(u);
        a0 = f32x4.add(a0, f32x4.mul(v128.load(at), s));
        a1 = f32x4.add(a1, f32x4.mul(v128.load(at, 2048), s));
        a2 = f32x4.add(a2, f32x4.mul(v128.load(at, 4096), s));
        a3 = f32x4.add(a3, f32x4.mul(v128.load(at, 6144), s));
        a4 = f32x4.add(a4, f32x4.mul(v128.load(at, 8192), s));
        a5 = f32x4.add(a5, f32x4.mul(v128.load(at, 10240), s));
        a6 = f32x4.add(a6, f32x4.mul(v128.load(at, 12288), s));
        a7 = f32x4.add(a7, f32x4.mul(v128.load(at, 14336), s));
        at += step;
        u += step;
      }
      if (part > 0 || step == 16) break;
      step = 16;
      count = (n & 15) >> 2;
    }
    v128.store(z, a0, 0);
    v128.store(z, a1, 16);
    v128.store(z, a2, 32);
    v128.store(z, a3, 48);
    v128.store(z, a4, 64);
    v128.store(z, a5, 80);
    v128.store(z, a6, 96);
    v128.store(z, a7, 112);
    z += 128;
    w += 16;
    x += 16;
  }
}

/** The four rows whose first vectors of sums are at z, in four lanes. */
@inline
function foldRows(z: usize): v128 {
  return sumsOfPairsF32(foldedRow(z), foldedRow(z + 16), foldedRow(z + 32), foldedRow(z + 48));
}

@inline
function foldedRow(z: usize): v128 {
  return folded(v128.load(z), v128.load(z, 128), v128.load(z, 256), v128.load(z, 384));
}
