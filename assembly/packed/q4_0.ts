// Q4_0 packed: each group after a header, 144 bytes, as many as in the file.
//
//   byte  0            16                         144
//         ├─ 8 × d f16 ┼─ nibbles, see formats.ts ─┤
//
import { HALVES_MASK, loadHalves, twoTo112 } from "../f16";
import { BLOCK_BYTES, DOT, FOUR, four, nibbleDots, odd, Q, RELAXED, total } from "../int8-activations";
import { nibble, NIBBLE_MASK, WORD_NIBBLE_MASK } from "./nibbles";
import { eightHalves, nonFinite, storeSteps } from "./rows";
import { addScaled, addTile, offset, STRIP_SUMS, SUM, tileDots } from "./sums";

export const HEADER_BYTES: i32 = 16;
export const GROUP_BYTES: i32 = 128;

/** @returns all ones in a lane of a row with a scale that is infinite or NaN */
export function packQ4_0(to: usize, from: usize, cols: i32, rowBytes: usize): v128 {
  let bad = i16x8.splat(0);
  const other = from + 4 * rowBytes;
  for (let i = 0; i < cols; i += 32) {
    const at = (i >> 5) * 18;
    const d = eightHalves(from + at, rowBytes);
    bad = v128.or(bad, nonFinite(d));
    v128.store(to, d);
    pack4(to + 16, from + at + 2, rowBytes);
    pack4(to + 32, other + at + 2, rowBytes);
    to += 144;
  }
  return bad;
}

@inline
function pack4(to: usize, q: usize, rowBytes: usize): void {
  storeSteps(to, v128.load(q), v128.load(q + rowBytes), v128.load(q + 2 * rowBytes), v128.load(q + 3 * rowBytes));
}

@inline
export function valueQ4_0(group: usize, row: i32, c: i32, d: f32): f32 {
  return d * <f32>(nibble(group, row, c) - 8);
}

export function gemvQ4_0(y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(RELAXED ? NIBBLE_MASK : WORD_NIBBLE_MASK);
  const halvesMask = i32x4.splat(HALVES_MASK);
  let acc0 = f32x4.splat(0);
  let acc1 = acc0;
  let acc2 = acc0;
  let acc3 = acc0;
  for (let i = 0; i < cols; i += 32) {
    // Σ (nibble − 8) · q = Σ nibble · q − 8 · (sum of q)
    let sum0 = offset(1, x, SUM, 0, 3);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let at1 = w1;
    let at2 = w2;
    let q = x + Q;
    for (let k = 0; k < 4; k++) {
      const low = four(q);
      const lowOdd = odd(q);
      const high = four(q + 4 * FOUR);
      const highOdd = odd(q + 4 * FOUR);
      sum0 = nibbleDots(low, lowOdd, high, highOdd, v128.load(at1, 16), mask, sum0);
      sum1 = nibbleDots(low, lowOdd, high, highOdd, v128.load(at1, 32), mask, sum1);
      sum2 = nibbleDots(low, lowOdd, high, highOdd, v128.load(at2, 16), mask, sum2);
      sum3 = nibbleDots(low, lowOdd, high, highOdd, v128.load(at2, 32), mask, sum3);
      at1 += 32;
      at2 += 32;
      q += FOUR;
    }
    const xScale = f32x4.mul(v128.load32_splat(x), twoTo112());
    acc0 = addScaled(acc0, loadHalves(w1, halvesMask), xScale, total(sum0));
    acc1 = addScaled(acc1, loadHalves(w1 + 8, halvesMask), xScale, total(sum1));
    acc2 = addScaled(acc2, loadHalves(w2, halvesMask), xScale, total(sum2));
    acc3 = addScaled(acc3, loadHalves(w2 + 8, halvesMask), xScale, total(sum3));
    w1 += 144;
    w2 += 144;
    x += BLOCK_BYTES;
  }
  v128.store(y1, acc0, 0);
  v128.store(y1, acc1, 16);
  v128.store(y2, acc2, 0);
  v128.store(y2, acc3, 16);
}

/** The strips have loops of their own: loads of two streams that share an instruction are not prefetched. */
@inline
export function tileQ4_0(tokens: i32, z: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 32) {
    if (tokens == 2 && DOT) {
      twoStrips(z, w1, w2, x);
    } else {
      tileGroup(tokens, z, w1, x);
      tileGroup(tokens, z + STRIP_SUMS, w2, x);
    }
    w1 += 144;
    w2 += 144;
    x += BLOCK_BYTES * tokens;
  }
}

/**
 * A group of two strips and two tokens. AVX-VNNI's dot product takes four cycles, and two begin in each: with the four sums of
 * one strip each has to wait for the one before it.
 */
@inline
function twoStrips(z: usize, w1: usize, w2: usize, x: usize): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  let a0 = offset(2, x, SUM, 0, 3);
  let a1 = offset(2, x, SUM, 1, 3);
  let b0 = a0;
  let b1 = a1;
  let c0 = a0;
  let c1 = a1;
  let d0 = a0;
  let d1 = a1;
  let at1 = w1;
  let at2 = w2;
  let q = x + 2 * Q;
  for (let k = 0; k < 4; k++) {
    const low0 = four(q);
    const high0 = four(q + 8 * FOUR);
    const low1 = four(q + FOUR);
    const high1 = four(q + 9 * FOUR);
    let bytes = v128.load(at1, 16);
    a0 = nibbleDots(low0, low0, high0, high0, bytes, mask, a0);
    a1 = nibbleDots(low1, low1, high1, high1, bytes, mask, a1);
    bytes = v128.load(at1, 32);
    b0 = nibbleDots(low0, low0, high0, high0, bytes, mask, b0);
    b1 = nibbleDots(low1, low1, high1, high1, bytes, mask, b1);
    bytes = v128.load(at2, 16);
    c0 = nibbleDots(low0, low0, high0, high0, bytes, mask, c0);
    c1 = nibbleDots(low1, low1, high1, high1, bytes, mask, c1);
    bytes = v128.load(at2, 32);
    d0 = nibbleDots(low0, low0, high0, high0, bytes, mask, d0);
    d1 = nibbleDots(low1, low1, high1, high1, bytes, mask, d1);
    at1 += 32;
    at2 += 32;
    q += 2 * FOUR;
  }
  addGroup(z, w1, x, a0, b0, a1, b1);
  addGroup(z + STRIP_SUMS, w2, x, c0, d0, c1, d1);
}

/** What two tokens get of a group of one strip. */
@inline
function addGroup(z: usize, w: usize, x: usize, a0: v128, b0: v128, a1: v128, b1: v128): void {
  const halvesMask = i32x4.splat(HALVES_MASK);
  const rows0 = f32x4.mul(loadHalves(w, halvesMask), twoTo112());
  const rows4 = f32x4.mul(loadHalves(w + 8, halvesMask), twoTo112());
  addTile(z, 0, x, rows0, rows4, a0, b0);
  addTile(z, 1, x, rows0, rows4, a1, b1);
}

@inline
function tileGroup(tokens: i32, z: usize, w: usize, x: usize): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  let a0 = offset(tokens, x, SUM, 0, 3);
  let a1 = offset(tokens, x, SUM, 1, 3);
  let a2 = tokens > 2 ? offset(tokens, x, SUM, 2, 3) : a0;
  let a3 = tokens > 3 ? offset(tokens, x, SUM, 3, 3) : a0;
  let b0 = a0;
  let b1 = a1;
  let b2 = a2;
  let b3 = a3;
  let at = w;
  let q = x + Q * tokens;
  for (let k = 0; k < 4; k++) {
    const bytes0 = v128.load(at, 16);
    const bytes4 = v128.load(at, 32);
    const low0 = v128.and(bytes0, mask);
    const low4 = v128.and(bytes4, mask);
    const high0 = v128.and(i16x8.shr_u(bytes0, 4), mask);
    const high4 = v128.and(i16x8.shr_u(bytes4, 4), mask);
    const qHigh = q + 4 * FOUR * tokens;
    a0 = tileDots(q, low0, qHigh, high0, 0, a0);
    b0 = tileDots(q, low4, qHigh, high4, 0, b0);
    a1 = tileDots(q, low0, qHigh, high0, 1, a1);
    b1 = tileDots(q, low4, qHigh, high4, 1, b1);
    if (tokens > 2) {
      a2 = tileDots(q, low0, qHigh, high0, 2, a2);
      b2 = tileDots(q, low4, qHigh, high4, 2, b2);
    }
    if (tokens > 3) {
      a3 = tileDots(q, low0, qHigh, high0, 3, a3);
      b3 = tileDots(q, low4, qHigh, high4, 3, b3);
    }
    at += 32;
    q += FOUR * tokens;
  }
  // With four tokens every register is taken: a mask that both strips share would put a sum into memory. A constant is
  // built where it is used.
  const halvesMask = i32x4.splat(tokens == 4 ? 0x8fffe000 : HALVES_MASK);
  const d0 = f32x4.mul(loadHalves(w, halvesMask), twoTo112());
  const d1 = f32x4.mul(loadHalves(w + 8, halvesMask), twoTo112());
  addTile(z, 0, x, d0, d1, total(a0), total(b0));
  addTile(z, 1, x, d0, d1, total(a1), total(b1));
  if (tokens > 2) addTile(z, 2, x, d0, d1, total(a2), total(b2));
  if (tokens > 3) addTile(z, 3, x, d0, d1, total(a3), total(b3));
}
