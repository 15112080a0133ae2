// Q8_0 packed: each group after a header, 272 bytes, as many as in the file. A weight is d · (byte − 128).
//
//   byte  0            16                                                                  272
//         ├─ 8 × d f16 ┼─ for g = 0 … 7, columns 4g … 4g + 3 of 8 rows: 32 bytes             ─┤
//
import { HALVES_MASK, loadHalves, twoTo112 } from "../f16";
import { BLOCK_BYTES, dot, dotHigh, dotLow, FOUR, four, odd, Q, RELAXED } from "../int8-activations";
import { NIBBLE_MASK, WORD_NIBBLE_MASK } from "./nibbles";
import { eightHalves, nonFinite, storeSteps } from "./rows";
import { addScaled, addTile, offset, SUM, TILE_Q } from "./sums";

export const HEADER_BYTES: i32 = 16;
export const GROUP_BYTES: i32 = 256;

/** @returns all ones in a lane of a row with a scale that is infinite or NaN */
export function packQ8_0(to: usize, from: usize, cols: i32, rowBytes: usize): v128 {
  let bad = i16x8.splat(0);
  const other = from + 4 * rowBytes;
  for (let i = 0; i < cols; i += 32) {
    const at = (i >> 5) * 34;
    const d = eightHalves(from + at, rowBytes);
    bad = v128.or(bad, nonFinite(d));
    v128.store(to, d);
    pack4(to + 16, from + at + 2, rowBytes);
    pack4(to + 32, other + at + 2, rowBytes);
    pack4(to + 144, from + at + 18, rowBytes);
    pack4(to + 160, other + at + 18, rowBytes);
    to += 272;
  }
  return bad;
}

@inline
function pack4(to: usize, q: usize, rowBytes: usize): void {
  storeSteps(to, unsigned(q), unsigned(q + rowBytes), unsigned(q + 2 * rowBytes), unsigned(q + 3 * rowBytes));
}

/** Each q + 128. */
@inline
function unsigned(q: usize): v128 {
  return v128.xor(v128.load(q), i8x16.splat(-128));
}

@inline
export function valueQ8_0(group: usize, row: i32, c: i32, d: f32): f32 {
  return d * <f32>(<i32>load<u8>(group + ((c >> 2) << 5) + (row << 2) + (c & 3)) - 128);
}

export function gemvQ8_0(y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(RELAXED ? NIBBLE_MASK : WORD_NIBBLE_MASK);
  const halvesMask = i32x4.splat(HALVES_MASK);
  let acc0 = f32x4.splat(0);
  let acc1 = acc0;
  let acc2 = acc0;
  let acc3 = acc0;
  for (let i = 0; i < cols; i += 32) {
    // A weight is 16 · high + low − 128 with nibbles that fit the 7-bit operand of the dot product. Only `sum`, the high
    // nibbles' half, begins at −8 · (sum of q): times 16 below, that is the −128.
    let sum0 = i32x4.shl(i32x4.neg(v128.load32_splat(x, 4)), 3);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let low0 = i32x4.splat(0);
    let low1 = low0;
    let low2 = low0;
    let low3 = low0;
    let at1 = w1;
    let at2 = w2;
    let q = x + Q;
    for (let g = 0; g < 8; g++) {
      const even = four(q);
      const odds = odd(q);
      let bytes = v128.load(at1, 16);
      low0 = dotLow(even, odds, bytes, mask, low0);
      sum0 = dotHigh(even, odds, bytes, mask, sum0);
      bytes = v128.load(at1, 32);
      low1 = dotLow(even, odds, bytes, mask, low1);
      sum1 = dotHigh(even, odds, bytes, mask, sum1);
      bytes = v128.load(at2, 16);
      low2 = dotLow(even, odds, bytes, mask, low2);
      sum2 = dotHigh(even, odds, bytes, mask, sum2);
      bytes = v128.load(at2, 32);
      low3 = dotLow(even, odds, bytes, mask, low3);
      sum3 = dotHigh(even, odds, bytes, mask, sum3);
      at1 += 32;
      at2 += 32;
      q += FOUR;
    }
    const xScale = f32x4.mul(v128.load32_splat(x), twoTo112());
    acc0 = addScaled(acc0, loadHalves(w1, halvesMask), xScale, i32x4.add(i32x4.shl(sum0, 4), low0));
    acc1 = addScaled(acc1, loadHalves(w1 + 8, halvesMask), xScale, i32x4.add(i32x4.shl(sum1, 4), low1));
    acc2 = addScaled(acc2, loadHalves(w2, halvesMask), xScale, i32x4.add(i32x4.shl(sum2, 4), low2));
    acc3 = addScaled(acc3, loadHalves(w2 + 8, halvesMask), xScale, i32x4.add(i32x4.shl(sum3, 4), low3));
    w1 += 272;
    w2 += 272;
    x += BLOCK_BYTES;
  }
  v128.store(y1, acc0, 0);
  v128.store(y1, acc1, 16);
  v128.store(y2, acc2, 0);
  v128.store(y2, acc3, 16);
}

export function tileQ8_0(z: usize, w: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  for (let i = 0; i < cols; i += 32) {
    let a0 = offset(x, SUM, 0, 3);
    let a1 = offset(x, SUM, 1, 3);
    let a2 = offset(x, SUM, 2, 3);
    let a3 = offset(x, SUM, 3, 3);
    let b0 = a0;
    let b1 = a1;
    let b2 = a2;
    let b3 = a3;
    // First the high nibbles, times 16; then the low ones are added.
    for (let shift = 4; shift >= 0; shift -= 4) {
      let at = w;
      let q = x + TILE_Q;
      for (let g = 0; g < 8; g++) {
        const rows0 = v128.and(i16x8.shr_u(v128.load(at, 16), shift), mask);
        const rows4 = v128.and(i16x8.shr_u(v128.load(at, 32), shift), mask);
        a0 = dot(four(q), odd(q), rows0, a0);
        b0 = dot(four(q), odd(q), rows4, b0);
        a1 = dot(four(q + FOUR), odd(q + FOUR), rows0, a1);
        b1 = dot(four(q + FOUR), odd(q + FOUR), rows4, b1);
        a2 = dot(four(q + 2 * FOUR), odd(q + 2 * FOUR), rows0, a2);
        b2 = dot(four(q + 2 * FOUR), odd(q + 2 * FOUR), rows4, b2);
        a3 = dot(four(q + 3 * FOUR), odd(q + 3 * FOUR), rows0, a3);
        b3 = dot(four(q + 3 * FOUR), odd(q + 3 * FOUR), rows4, b3);
        at += 32;
        q += 4 * FOUR;
      }
      a0 = i32x4.shl(a0, shift);
      a1 = i32x4.shl(a1, shift);
      a2 = i32x4.shl(a2, shift);
      a3 = i32x4.shl(a3, shift);
      b0 = i32x4.shl(b0, shift);
      b1 = i32x4.shl(b1, shift);
      b2 = i32x4.shl(b2, shift);
      b3 = i32x4.shl(b3, shift);
    }
    const halvesMask = i32x4.splat(HALVES_MASK);
    const d0 = f32x4.mul(loadHalves(w, halvesMask), twoTo112());
    const d1 = f32x4.mul(loadHalves(w + 8, halvesMask), twoTo112());
    addTile(z, 0, x, d0, d1, a0, b0);
    addTile(z, 1, x, d0, d1, a1, b1);
    addTile(z, 2, x, d0, d1, a2, b2);
    addTile(z, 3, x, d0, d1, a3, b3);
    w += 272;
    x += BLOCK_BYTES << 2;
  }
}
