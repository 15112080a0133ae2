// Several tokens' products in float32: weights are read often, so 8 rows are decoded to float32 and multiplied by tiles of
// 4 rows × 2 tokens. Sixteen partial sums of 8 products are 32 vectors, more than there are registers: a tile takes a fourth
// of the columns at a time, those whose sums are in the same vector, and a piece of PIECE columns of 8 rows and 2 tokens
// stays in the first-level cache meanwhile. The sums wait in scratch memory from piece to piece.
import { folded } from "./dot-f32";
import { decodeRow } from "./formats/formats";
import { sumsOfPairsF32 } from "./lanes";

/** Columns of a piece, a multiple of every block's length; 2 KiB of a row of float32. */
const PIECE: i32 = 512;
const PIECE_BYTES: usize = 2048;
/** Rows that are decoded together. */
export const ROWS: i32 = 8;
/** Tokens whose sums wait at a time. */
export const TOKENS: i32 = 64;
/** Sums of a token: 4 vectors × 8 rows. */
const SUM_BYTES: usize = 512;

/** Of the sums of that many tokens, and of a decoded strip. */
export function sumBytes(tokens: i32): usize {
  return <usize>min(tokens, TOKENS) * SUM_BYTES;
}

export function stripBytes(cols: i32): usize {
  return <usize>((cols + PIECE - 1) / PIECE * ROWS) * PIECE_BYTES;
}

/** The i-th result that is wanted: its row in y and, divided by `perRow`, that of its activations in x. */
@inline
export function choice(order: usize, i: i32): i32 {
  return order ? load<i32>(order + (<usize>i << 2)) : i;
}

/** Up to 8 rows in float32: [pieces, 8, PIECE]. */
export function decodeStrip(format: i32, strip: usize, w: usize, rows: i32, cols: i32, rowBytes: i32): void {
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
export function multiplyStrip(
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
