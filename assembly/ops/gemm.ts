// Y = W · X for four tokens at a time: the same packed weights, and per row, group and token the same expression as
// gemv.ts, so a token's bits do not depend on how many run beside it.
//
// A tile is 8 rows × 4 tokens: 8 integer sums live in registers while a group of 32 columns passes; the float32 sums
// wait in scratch memory, because 8 more registers would spill.
import {
  evenHigh,
  evenLow,
  FIFTH_MASK,
  HIGH_MASK,
  highFive,
  lowFive,
  NIBBLE_MASK,
  oddHigh,
  oddLow,
  SCALE_MASK,
  signedBytes,
  twoTo112,
  unsignedBytes,
} from "./gemv";
import { groupBytes, headBytes, loadScales, Q4_0, Q4_K, Q5_K, Q6_K, Q8_0 } from "../formats/packed";
import { dot, FOUR, four, odd, Q, RECORD } from "../q8";

/** Bytes of scratch: float32 sums of 8 rows × 4 tokens. */
export const TILE_SCRATCH: i32 = 128;

/** Tokens of a tile follow one another in it, number by number: see packTile in q8.ts. */
const SUM: i32 = 16;
const LOW_SUM: i32 = 32;
const HIGH_SUM: i32 = 48;
const TILE_Q: i32 = Q << 2;

/**
 * z[t][r] = Σ W[r, c] · x[t, c] for the 8 rows of the strip at `w` and the 4 tokens of the tile at `x`.
 *
 * z  f32[4, 8], 16-aligned        x  cols / 32 records of four tokens
 */
export function tile(format: i32, z: usize, w: usize, x: usize, cols: i32): void {
  memory.fill(z, 0, TILE_SCRATCH);
  if (format == Q4_0) tileQ4_0(z, w, x, cols);
  else if (format == Q8_0) tileQ8_0(z, w, x, cols);
  else if (format == Q4_K) tileQ4_K(Q4_K, z, w, x, cols);
  else if (format == Q5_K) tileQ4_K(Q5_K, z, w, x, cols);
  else tileQ6_K(z, w, x, cols);
}

/** z[token] += (d · scale) · Σ for 8 rows, whose scales are d0 and d1. */
@inline
function add(z: usize, token: i32, x: usize, d0: v128, d1: v128, a: v128, b: v128): void {
  const scale = v128.load32_splat(x + (token << 2));
  const at = z + (token << 5);
  v128.store(at, f32x4.add(v128.load(at), f32x4.mul(f32x4.mul(d0, scale), f32x4.convert_i32x4_s(a))));
  v128.store(at, f32x4.add(v128.load(at, 16), f32x4.mul(f32x4.mul(d1, scale), f32x4.convert_i32x4_s(b))), 16);
}

/** −factor · a sum of the tile's records. */
@inline
function offset(x: usize, sum: i32, token: i32, shift: i32): v128 {
  return i32x4.shl(i32x4.neg(v128.load32_splat(x + sum + (token << 2))), shift);
}

function tileQ4_0(z: usize, w: usize, x: usize, cols: i32): void {
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
    const scales = i32x4.splat(SCALE_MASK);
    const d0 = f32x4.mul(loadScales(w, scales), twoTo112());
    const d1 = f32x4.mul(loadScales(w + 8, scales), twoTo112());
    add(z, 0, x, d0, d1, a0, b0);
    add(z, 1, x, d0, d1, a1, b1);
    add(z, 2, x, d0, d1, a2, b2);
    add(z, 3, x, d0, d1, a3, b3);
    w += 144;
    x += RECORD << 2;
  }
}

function tileQ8_0(z: usize, w: usize, x: usize, cols: i32): void {
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
    // First the high nibbles; times 16; then the low ones on top.
    for (let shift = 4; shift >= 0; shift -= 4) {
      let at = w;
      let q = x + TILE_Q;
      for (let g = 0; g < 8; g++) {
        const p = v128.and(i16x8.shr_u(v128.load(at, 16), shift), mask);
        const r = v128.and(i16x8.shr_u(v128.load(at, 32), shift), mask);
        a0 = dot(four(q), odd(q), p, a0);
        b0 = dot(four(q), odd(q), r, b0);
        a1 = dot(four(q + FOUR), odd(q + FOUR), p, a1);
        b1 = dot(four(q + FOUR), odd(q + FOUR), r, b1);
        a2 = dot(four(q + 2 * FOUR), odd(q + 2 * FOUR), p, a2);
        b2 = dot(four(q + 2 * FOUR), odd(q + 2 * FOUR), r, b2);
        a3 = dot(four(q + 3 * FOUR), odd(q + 3 * FOUR), p, a3);
        b3 = dot(four(q + 3 * FOUR), odd(q + 3 * FOUR), r, b3);
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
    const scales = i32x4.splat(SCALE_MASK);
    const d0 = f32x4.mul(loadScales(w, scales), twoTo112());
    const d1 = f32x4.mul(loadScales(w + 8, scales), twoTo112());
    add(z, 0, x, d0, d1, a0, b0);
    add(z, 1, x, d0, d1, a1, b1);
    add(z, 2, x, d0, d1, a2, b2);
    add(z, 3, x, d0, d1, a3, b3);
    w += 272;
    x += RECORD << 2;
  }
}

/** z[token] += (d · scale) · (s · Σ) − (dmin · scale) · (m · sum) for rows 4 · half … of a group. */
@inline
function addAffine(z: usize, token: i32, x: usize, head: usize, group: usize, half: i32, sum: v128): void {
  const scale = v128.load32_splat(x + (token << 2));
  const d = f32x4.mul(v128.load(head + (half << 4)), scale);
  const dmin = f32x4.mul(v128.load(head + 32 + (half << 4)), scale);
  const scaled = i32x4.mul(unsignedBytes(group + (half << 2)), sum);
  const minima = i32x4.mul(unsignedBytes(group + 8 + (half << 2)), v128.load32_splat(x + SUM + (token << 2)));
  const at = z + (token << 5) + (half << 4);
  const value = f32x4.sub(f32x4.mul(d, f32x4.convert_i32x4_s(scaled)), f32x4.mul(dmin, f32x4.convert_i32x4_s(minima)));
  v128.store(at, f32x4.add(v128.load(at), value));
}

/** Q4_K, and Q5_K, which adds a fifth bit to each nibble. */
@inline
function tileQ4_K(format: i32, z: usize, w: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  const fifth = i32x4.splat(FIFTH_MASK);
  for (let i = 0; i < cols; i += 256) {
    const head = w;
    w += headBytes(format);
    for (let j = 0; j < 8; j++) {
      let a0 = i32x4.splat(0);
      let a1 = a0;
      let a2 = a0;
      let a3 = a0;
      let b0 = a0;
      let b1 = a0;
      let b2 = a0;
      let b3 = a0;
      let at = w;
      let q = x + TILE_Q;
      for (let k = 0; k < 4; k++) {
        const m = v128.load(at, 16);
        const n = v128.load(at, 32);
        let p = lowFive(format, m, w, 144, k, mask, fifth);
        let r = lowFive(format, n, w, 160, k, mask, fifth);
        a0 = dot(four(q), odd(q), p, a0);
        b0 = dot(four(q), odd(q), r, b0);
        a1 = dot(four(q + FOUR), odd(q + FOUR), p, a1);
        b1 = dot(four(q + FOUR), odd(q + FOUR), r, b1);
        a2 = dot(four(q + 2 * FOUR), odd(q + 2 * FOUR), p, a2);
        b2 = dot(four(q + 2 * FOUR), odd(q + 2 * FOUR), r, b2);
        a3 = dot(four(q + 3 * FOUR), odd(q + 3 * FOUR), p, a3);
        b3 = dot(four(q + 3 * FOUR), odd(q + 3 * FOUR), r, b3);
        p = highFive(format, m, w, 144, k, mask, fifth);
        r = highFive(format, n, w, 160, k, mask, fifth);
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
      addAffine(z, 0, x, head, w, 0, a0);
      addAffine(z, 0, x, head, w, 1, b0);
      addAffine(z, 1, x, head, w, 0, a1);
      addAffine(z, 1, x, head, w, 1, b1);
      addAffine(z, 2, x, head, w, 0, a2);
      addAffine(z, 2, x, head, w, 1, b2);
      addAffine(z, 3, x, head, w, 0, a3);
      addAffine(z, 3, x, head, w, 1, b3);
      w += groupBytes(format);
      x += RECORD << 2;
    }
  }
}

function tileQ6_K(z: usize, w: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  const pair = i32x4.splat(HIGH_MASK);
  for (let i = 0; i < cols; i += 256) {
    const head = w;
    w += headBytes(Q6_K);
    for (let j = 0; j < 8; j++) {
      // Columns 0 … 15, then 16 … 31: each half has scales of its own.
      for (let part = 0; part < 2; part++) {
        const sums = part ? HIGH_SUM : LOW_SUM;
        let a0 = offset(x, sums, 0, 5);
        let a1 = offset(x, sums, 1, 5);
        let a2 = offset(x, sums, 2, 5);
        let a3 = offset(x, sums, 3, 5);
        let b0 = a0;
        let b1 = a1;
        let b2 = a2;
        let b3 = a3;
        let at = w;
        let q = x + TILE_Q + part * 16 * FOUR;
        for (let k = 0; k < 4; k++) {
          const bits = w + 144 + ((k >> 1) << 5);
          const p = sixBits(part, k, v128.load(at, 16), v128.load(bits), mask, pair);
          const r = sixBits(part, k, v128.load(at, 32), v128.load(bits, 16), mask, pair);
          a0 = dot(four(q), odd(q), p, a0);
          b0 = dot(four(q), odd(q), r, b0);
          a1 = dot(four(q + FOUR), odd(q + FOUR), p, a1);
          b1 = dot(four(q + FOUR), odd(q + FOUR), r, b1);
          a2 = dot(four(q + 2 * FOUR), odd(q + 2 * FOUR), p, a2);
          b2 = dot(four(q + 2 * FOUR), odd(q + 2 * FOUR), r, b2);
          a3 = dot(four(q + 3 * FOUR), odd(q + 3 * FOUR), p, a3);
          b3 = dot(four(q + 3 * FOUR), odd(q + 3 * FOUR), r, b3);
          at += 32;
          q += 4 * FOUR;
        }
        const d0 = v128.load(head);
        const d1 = v128.load(head, 16);
        const s0 = signedBytes(w + (part << 3));
        const s1 = signedBytes(w + (part << 3) + 4);
        add(z, 0, x, d0, d1, i32x4.mul(s0, a0), i32x4.mul(s1, b0));
        add(z, 1, x, d0, d1, i32x4.mul(s0, a1), i32x4.mul(s1, b1));
        add(z, 2, x, d0, d1, i32x4.mul(s0, a2), i32x4.mul(s1, b2));
        add(z, 3, x, d0, d1, i32x4.mul(s0, a3), i32x4.mul(s1, b3));
      }
      w += 208;
      x += RECORD << 2;
    }
  }
}

/** Columns 4k … of four rows (part 0) or 16 + 4k … (part 1). */
@inline
function sixBits(part: i32, k: i32, m: v128, h: v128, mask: v128, pair: v128): v128 {
  if (k & 1) return part ? oddHigh(m, h, mask, pair) : oddLow(m, h, mask, pair);
  return part ? evenHigh(m, h, mask, pair) : evenLow(m, h, mask, pair);
}
