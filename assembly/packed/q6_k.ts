// Q6_K packed: 8 groups, one block of each of 8 rows, share a head: 1696 bytes (+ 1.0 %).
//
//   byte  0            32                                                                             1696
//         ├─ 8 × d f32 ┼─ 8 × (8 scales of columns 0 … 15 │ 8 of 16 … 31 │ nibbles │ 64 bytes of high bits) ─┤
//
// High bits: for k 0|1 and 2|3, the fifth and sixth bits, two at a time: low column of the even k, high column of the even
// k, low and high column of the odd k. d is kept in float32: with f16, a head of Q6_K was read at 10 GB/s instead of 20.
import { loadF16 } from "../f16";
import { BLOCK_BYTES, dot, FOUR, four, odd, Q } from "../int8-activations";
import { nibble, NIBBLE_MASK, nibblesOf, signedBytes } from "./nibbles";
import { eightHalves, nonFinite, storeSteps } from "./rows";
import { addTile, HIGH_SUM, LOW_SUM, offset, TILE_Q } from "./sums";

// Mutable and exported for the reason given in f16.ts.
export let HIGH_MASK: i32 = 0x30303030;

export const HEAD_BYTES: i32 = 32;
export const GROUP_BYTES: i32 = 208;

/** @returns all ones in a lane of a row with a scale that is infinite or NaN */
export function packQ6_K(to: usize, from: usize, cols: i32, rowBytes: usize): v128 {
  let bad = i16x8.splat(0);
  for (let i = 0; i < cols; i += 256) {
    bad = v128.or(bad, nonFinite(eightHalves(from + 208, rowBytes)));
    let row = from;
    for (let r = 0; r < 8; r++) {
      store<f32>(to + (r << 2), loadF16(row + 208));
      let group = to + 32 + r;
      for (let j = 0; j < 8; j++) {
        // Group j is half j >> 2, quarter j & 3 of the block; see q6_k.ts.
        store<i8>(group, load<i8>(row + 192 + (j << 1)));
        store<i8>(group + 8, load<i8>(row + 192 + (j << 1), 1));
        packHighBits(group - r + 144 + (r << 2), row + 128 + ((j >> 2) << 5), (j & 3) << 1);
        group += GROUP_BYTES;
      }
      row += rowBytes;
    }
    let group = to + 32;
    for (let j = 0; j < 8; j++) {
      const low = from + ((j >> 2) << 6) + ((j & 1) << 5);
      const shift = ((j & 3) >> 1) << 2;
      pack4(group + 16, low, rowBytes, shift);
      pack4(group + 32, low + 4 * rowBytes, rowBytes, shift);
      group += GROUP_BYTES;
    }
    to = group;
    from += 210;
  }
  return bad;
}

@inline
function pack4(to: usize, low: usize, rowBytes: usize, shift: i32): void {
  storeSteps(
    to,
    rowNibbles(low, shift),
    rowNibbles(low + rowBytes, shift),
    rowNibbles(low + 2 * rowBytes, shift),
    rowNibbles(low + 3 * rowBytes, shift),
  );
}

@inline
function rowNibbles(low: usize, shift: i32): v128 {
  return nibblesOf(i8x16.shr_u(v128.load(low), shift), i8x16.shr_u(v128.load(low, 16), shift));
}

/** A row's high bits of 32 columns: bits shift, shift + 1 of byte l at `bits` belong to column l. */
@inline
function packHighBits(to: usize, bits: usize, shift: i32): void {
  const three = i8x16.splat(3);
  const low = v128.and(i8x16.shr_u(v128.load(bits), shift), three);
  const high = v128.and(i8x16.shr_u(v128.load(bits, 16), shift), three);
  const both = v128.or(low, i8x16.shl(high, 2));
  // Lane 2p is of an even k, lane 2p + 1 of the odd one that shares its byte.
  const pairs = v128.or(both, i32x4.shl(i64x2.shr_u(both, 32), 4));
  store<i32>(to, i32x4.extract_lane(pairs, 0));
  store<i32>(to, i32x4.extract_lane(pairs, 2), 32);
}

@inline
export function valueQ6_K(group: usize, row: i32, c: i32, d: f32): f32 {
  const k = (c & 15) >> 2;
  const bits = <i32>load<u8>(group + 144 + ((k >> 1) << 5) + (row << 2) + (c & 3));
  const q = nibble(group + 16, row, c) | (((bits >> (((k & 1) << 2) + ((c >> 4) << 1))) & 3) << 4);
  return d * <f32>load<i8>(group + ((c >> 4) << 3) + row) * <f32>(q - 32);
}

export function gemvQ6_K(y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  const pair = i32x4.splat(HIGH_MASK);
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let i = 0; i < cols; i += 256) {
    const head1 = w1;
    const head2 = w2;
    w1 += HEAD_BYTES;
    w2 += HEAD_BYTES;
    for (let j = 0; j < 8; j++) {
      // Σ (q − 32) · x = Σ q · x − 32 · sum, for each half of the columns
      let s = i32x4.shl(i32x4.neg(v128.load32_splat(x, 8)), 5);
      let t = s;
      let u = s;
      let v = s;
      let sHigh = i32x4.shl(i32x4.neg(v128.load32_splat(x, 12)), 5);
      let tHigh = sHigh;
      let uHigh = sHigh;
      let vHigh = sHigh;
      let at1 = w1;
      let at2 = w2;
      let q = x + Q;
      // Two k at a time: each uses half of a byte of high bits, with shifts that are constants.
      for (let p = 0; p < 64; p += 32) {
        let h = v128.load(w1 + p, 144);
        s = dot(four(q), odd(q), evenLow(v128.load(at1, 16), h, mask, pair), s);
        s = dot(four(q + FOUR), odd(q + FOUR), oddLow(v128.load(at1, 48), h, mask, pair), s);
        sHigh = dot(four(q + 4 * FOUR), odd(q + 4 * FOUR), evenHigh(v128.load(at1, 16), h, mask, pair), sHigh);
        sHigh = dot(four(q + 5 * FOUR), odd(q + 5 * FOUR), oddHigh(v128.load(at1, 48), h, mask, pair), sHigh);
        h = v128.load(w1 + p, 160);
        t = dot(four(q), odd(q), evenLow(v128.load(at1, 32), h, mask, pair), t);
        t = dot(four(q + FOUR), odd(q + FOUR), oddLow(v128.load(at1, 64), h, mask, pair), t);
        tHigh = dot(four(q + 4 * FOUR), odd(q + 4 * FOUR), evenHigh(v128.load(at1, 32), h, mask, pair), tHigh);
        tHigh = dot(four(q + 5 * FOUR), odd(q + 5 * FOUR), oddHigh(v128.load(at1, 64), h, mask, pair), tHigh);
        h = v128.load(w2 + p, 144);
        u = dot(four(q), odd(q), evenLow(v128.load(at2, 16), h, mask, pair), u);
        u = dot(four(q + FOUR), odd(q + FOUR), oddLow(v128.load(at2, 48), h, mask, pair), u);
        uHigh = dot(four(q + 4 * FOUR), odd(q + 4 * FOUR), evenHigh(v128.load(at2, 16), h, mask, pair), uHigh);
        uHigh = dot(four(q + 5 * FOUR), odd(q + 5 * FOUR), oddHigh(v128.load(at2, 48), h, mask, pair), uHigh);
        h = v128.load(w2 + p, 160);
        v = dot(four(q), odd(q), evenLow(v128.load(at2, 32), h, mask, pair), v);
        v = dot(four(q + FOUR), odd(q + FOUR), oddLow(v128.load(at2, 64), h, mask, pair), v);
        vHigh = dot(four(q + 4 * FOUR), odd(q + 4 * FOUR), evenHigh(v128.load(at2, 32), h, mask, pair), vHigh);
        vHigh = dot(four(q + 5 * FOUR), odd(q + 5 * FOUR), oddHigh(v128.load(at2, 64), h, mask, pair), vHigh);
        at1 += 64;
        at2 += 64;
        q += 2 * FOUR;
      }
      a = addSix(a, head1, w1, 0, x, s, sHigh);
      b = addSix(b, head1, w1, 1, x, t, tHigh);
      c = addSix(c, head2, w2, 0, x, u, uHigh);
      d = addSix(d, head2, w2, 1, x, v, vHigh);
      w1 += GROUP_BYTES;
      w2 += GROUP_BYTES;
      x += BLOCK_BYTES;
    }
  }
  v128.store(y1, a, 0);
  v128.store(y1, b, 16);
  v128.store(y2, c, 0);
  v128.store(y2, d, 16);
}

@inline
function addSix(acc: v128, head: usize, group: usize, half: i32, x: usize, low: v128, high: v128): v128 {
  const d = f32x4.mul(v128.load(head + (half << 4)), v128.load32_splat(x));
  const first = i32x4.mul(signedBytes(group + (half << 2)), low);
  const second = i32x4.mul(signedBytes(group + 8 + (half << 2)), high);
  acc = f32x4.add(acc, f32x4.mul(d, f32x4.convert_i32x4_s(first)));
  return f32x4.add(acc, f32x4.mul(d, f32x4.convert_i32x4_s(second)));
}

export function tileQ6_K(z: usize, w: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  const pair = i32x4.splat(HIGH_MASK);
  for (let i = 0; i < cols; i += 256) {
    const head = w;
    w += HEAD_BYTES;
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
        addTile(z, 0, x, d0, d1, i32x4.mul(s0, a0), i32x4.mul(s1, b0));
        addTile(z, 1, x, d0, d1, i32x4.mul(s0, a1), i32x4.mul(s1, b1));
        addTile(z, 2, x, d0, d1, i32x4.mul(s0, a2), i32x4.mul(s1, b2));
        addTile(z, 3, x, d0, d1, i32x4.mul(s0, a3), i32x4.mul(s1, b3));
      }
      w += GROUP_BYTES;
      x += BLOCK_BYTES << 2;
    }
  }
}

/** Columns 4k … of four rows (part 0) or 16 + 4k … (part 1). */
@inline
function sixBits(part: i32, k: i32, m: v128, h: v128, mask: v128, pair: v128): v128 {
  if (k & 1) return part ? oddHigh(m, h, mask, pair) : oddLow(m, h, mask, pair);
  return part ? evenHigh(m, h, mask, pair) : evenLow(m, h, mask, pair);
}

/** Columns 4k … of four rows for an even k: nibbles of `m` under bits 0, 1 of `h`; then the high columns, bits 2, 3. */
@inline
function evenLow(m: v128, h: v128, mask: v128, pair: v128): v128 {
  return v128.or(v128.and(m, mask), v128.and(i16x8.shl(h, 4), pair));
}

@inline
function evenHigh(m: v128, h: v128, mask: v128, pair: v128): v128 {
  return v128.or(v128.and(i16x8.shr_u(m, 4), mask), v128.and(i16x8.shl(h, 2), pair));
}

/** The same for an odd k: bits 4, 5 and 6, 7. */
@inline
function oddLow(m: v128, h: v128, mask: v128, pair: v128): v128 {
  return v128.or(v128.and(m, mask), v128.and(h, pair));
}

@inline
function oddHigh(m: v128, h: v128, mask: v128, pair: v128): v128 {
  return v128.or(v128.and(i16x8.shr_u(m, 4), mask), v128.and(i16x8.shr_u(h, 2), pair));
}
