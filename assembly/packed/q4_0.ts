// Q4_0 packed: 144 bytes a group, as many as in the file.
//
//   byte  0            16                         144
//         ├─ 8 × d f16 ┼─ nibbles, see formats.ts ─┤
//
import { HALVES_MASK, loadHalves, twoTo112 } from "../f16";
import { BLOCK_BYTES, dot, dotHigh, dotLow, FOUR, four, odd, Q, RELAXED } from "../int8-activations";
import { nibble, NIBBLE_MASK, WORD_NIBBLE_MASK } from "./nibbles";
import { eightHalves, nonFinite, storeSteps } from "./rows";
import { addScaled, addTile, offset, SUM, TILE_Q } from "./sums";

export const HEAD_BYTES: i32 = 16;
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
  const scales = i32x4.splat(HALVES_MASK);
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let i = 0; i < cols; i += 32) {
    // Σ (q − 8) · x = Σ q · x − 8 · sum
    let s = i32x4.shl(i32x4.neg(v128.load32_splat(x, 4)), 3);
    let t = s;
    let u = s;
    let v = s;
    let at1 = w1;
    let at2 = w2;
    let q = x + Q;
    for (let k = 0; k < 4; k++) {
      const low = four(q);
      const lowOdd = odd(q);
      const high = four(q + 4 * FOUR);
      const highOdd = odd(q + 4 * FOUR);
      let m = v128.load(at1, 16);
      let n = v128.load(at1, 32);
      s = dotLow(low, lowOdd, m, mask, s);
      t = dotLow(low, lowOdd, n, mask, t);
      s = dotHigh(high, highOdd, m, mask, s);
      t = dotHigh(high, highOdd, n, mask, t);
      m = v128.load(at2, 16);
      n = v128.load(at2, 32);
      u = dotLow(low, lowOdd, m, mask, u);
      v = dotLow(low, lowOdd, n, mask, v);
      u = dotHigh(high, highOdd, m, mask, u);
      v = dotHigh(high, highOdd, n, mask, v);
      at1 += 32;
      at2 += 32;
      q += FOUR;
    }
    const scale = f32x4.mul(v128.load32_splat(x), twoTo112());
    a = addScaled(a, loadHalves(w1, scales), scale, s);
    b = addScaled(b, loadHalves(w1 + 8, scales), scale, t);
    c = addScaled(c, loadHalves(w2, scales), scale, u);
    d = addScaled(d, loadHalves(w2 + 8, scales), scale, v);
    w1 += 144;
    w2 += 144;
    x += BLOCK_BYTES;
  }
  v128.store(y1, a, 0);
  v128.store(y1, b, 16);
  v128.store(y2, c, 0);
  v128.store(y2, d, 16);
}

export function tileQ4_0(z: usize, w: usize, x: usize, cols: i32): void {
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
    let at = w;
    let q = x + TILE_Q;
    for (let k = 0; k < 4; k++) {
      const m = v128.load(at, 16);
      const n = v128.load(at, 32);
      let p = v128.and(m, mask);
      let r = v128.and(n, mask);
      a0 = dot(four(q), odd(q), p, a0);
      b0 = dot(four(q), odd(q), r, b0);
      a1 = dot(four(q + FOUR), odd(q + FOUR), p, a1);
      b1 = dot(four(q + FOUR), odd(q + FOUR), r, b1);
      a2 = dot(four(q + 2 * FOUR), odd(q + 2 * FOUR), p, a2);
      b2 = dot(four(q + 2 * FOUR), odd(q + 2 * FOUR), r, b2);
      a3 = dot(four(q + 3 * FOUR), odd(q + 3 * FOUR), p, a3);
      b3 = dot(four(q + 3 * FOUR), odd(q + 3 * FOUR), r, b3);
      p = v128.and(i16x8.shr_u(m, 4), mask);
      r = v128.and(i16x8.shr_u(n, 4), mask);
      const h = q + 16 * FOUR;
      a0 = dot(four(h), odd(h), p, a0);
      b0 = dot(four(h), odd(h), r, b0);
      a1 = dot(four(h + FOUR), odd(h + FOUR), p, a1);
      b1 = dot(four(h + FOUR), odd(h + FOUR), r, b1);
      a2 = dot(four(h + 2 * FOUR), odd(h + 2 * FOUR), p, a2);
      b2 = dot(four(h + 2 * FOUR), odd(h + 2 * FOUR), r, b2);
      a3 = dot(four(h + 3 * FOUR), odd(h + 3 * FOUR), p, a3);
      b3 = dot(four(h + 3 * FOUR), odd(h + 3 * FOUR), r, b3);
      at += 32;
      q += 4 * FOUR;
    }
    const scales = i32x4.splat(HALVES_MASK);
    const d0 = f32x4.mul(loadHalves(w, scales), twoTo112());
    const d1 = f32x4.mul(loadHalves(w + 8, scales), twoTo112());
    addTile(z, 0, x, d0, d1, a0, b0);
    addTile(z, 1, x, d0, d1, a1, b1);
    addTile(z, 2, x, d0, d1, a2, b2);
    addTile(z, 3, x, d0, d1, a3, b3);
    w += 144;
    x += BLOCK_BYTES << 2;
  }
}
