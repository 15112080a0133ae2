// Q6_K packed: one block of each of 8 rows is a header and 8 groups, 1696 bytes (+ 1.0 %).
//
//   byte  0            32                                                                             1696
//         ├─ 8 × d f32 ┼─ 8 × (8 scales of columns 0 … 15 │ 8 of 16 … 31 │ nibbles │ 64 bytes of high bits) ─┤
//
// High bits are the fifth and sixth of a weight: 32 bytes for k = 0 and 1, 32 for k = 2 and 3, 4 of them for each row. In
// byte i of a row, two bits each are for columns 4k + i and 16 + 4k + i of the even k, then for those of the odd k.
//
// d is kept in float32: with f16, an output matrix in Q6_K was read at 10 GB/s instead of 20.
import { loadF16 } from "../f16";
import { BLOCK_BYTES, FOUR, four, odd, Q, scaledTotal, twoDots } from "../int8-activations";
import { nibble, NIBBLE_MASK, nibblesOf, signedScaleBytes } from "./nibbles";
import { eightHalves, nonFinite, storeSteps } from "./rows";
import { addTile, HIGH_SUM, LOW_SUM, offset, STRIP_SUMS, tileDots } from "./sums";

// Mutable and exported for the reason given in f16.ts.
export let HIGH_MASK: i32 = 0x30303030;

export const HEADER_BYTES: i32 = 32;
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
        // Group j is half h = j >> 2 and group g = j & 3 of formats/q6_k.ts.
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
  const value = nibble(group + 16, row, c) | (((bits >> (((k & 1) << 2) + ((c >> 4) << 1))) & 3) << 4);
  return d * <f32>load<i8>(group + ((c >> 4) << 3) + row) * <f32>(value - 32);
}

export function gemvQ6_K(y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  const highMask = i32x4.splat(HIGH_MASK);
  let acc0 = f32x4.splat(0);
  let acc1 = acc0;
  let acc2 = acc0;
  let acc3 = acc0;
  for (let i = 0; i < cols; i += 256) {
    const header1 = w1;
    const header2 = w2;
    w1 += HEADER_BYTES;
    w2 += HEADER_BYTES;
    for (let j = 0; j < 8; j++) {
      // With w the six bits: Σ (w − 32) · q = Σ w · q − 32 · (sum of q), for each half of the columns
      let sum0 = offset(1, x, LOW_SUM, 0, 5);
      let sum1 = sum0;
      let sum2 = sum0;
      let sum3 = sum0;
      let high0 = offset(1, x, HIGH_SUM, 0, 5);
      let high1 = high0;
      let high2 = high0;
      let high3 = high0;
      let at1 = w1;
      let at2 = w2;
      let q = x + Q;
      // Two k at a time: they share a load of high bits, and each shift is a constant.
      for (let p = 0; p < 64; p += 32) {
        let bits = v128.load(w1 + p, 144);
        let bytes = v128.load(at1, 16);
        let next = v128.load(at1, 48);
        sum0 = sixDots(q, evenLow(bytes, bits, mask, highMask), oddLow(next, bits, mask, highMask), sum0);
        high0 = sixDots(q + 4 * FOUR, evenHigh(bytes, bits, mask, highMask), oddHigh(next, bits, mask, highMask), high0);
        bits = v128.load(w1 + p, 160);
        bytes = v128.load(at1, 32);
        next = v128.load(at1, 64);
        sum1 = sixDots(q, evenLow(bytes, bits, mask, highMask), oddLow(next, bits, mask, highMask), sum1);
        high1 = sixDots(q + 4 * FOUR, evenHigh(bytes, bits, mask, highMask), oddHigh(next, bits, mask, highMask), high1);
        bits = v128.load(w2 + p, 144);
        bytes = v128.load(at2, 16);
        next = v128.load(at2, 48);
        sum2 = sixDots(q, evenLow(bytes, bits, mask, highMask), oddLow(next, bits, mask, highMask), sum2);
        high2 = sixDots(q + 4 * FOUR, evenHigh(bytes, bits, mask, highMask), oddHigh(next, bits, mask, highMask), high2);
        bits = v128.load(w2 + p, 160);
        bytes = v128.load(at2, 32);
        next = v128.load(at2, 64);
        sum3 = sixDots(q, evenLow(bytes, bits, mask, highMask), oddLow(next, bits, mask, highMask), sum3);
        high3 = sixDots(q + 4 * FOUR, evenHigh(bytes, bits, mask, highMask), oddHigh(next, bits, mask, highMask), high3);
        at1 += 64;
        at2 += 64;
        q += 2 * FOUR;
      }
      acc0 = addSix(acc0, header1, w1, 0, x, sum0, high0);
      acc1 = addSix(acc1, header1, w1, 1, x, sum1, high1);
      acc2 = addSix(acc2, header2, w2, 0, x, sum2, high2);
      acc3 = addSix(acc3, header2, w2, 1, x, sum3, high3);
      w1 += GROUP_BYTES;
      w2 += GROUP_BYTES;
      x += BLOCK_BYTES;
    }
  }
  v128.store(y1, acc0, 0);
  v128.store(y1, acc1, 16);
  v128.store(y2, acc2, 0);
  v128.store(y2, acc3, 16);
}

/** acc + Σ over the four columns of an even k, at `q`, and the four of the odd k after it. */
@inline
function sixDots(q: usize, w: v128, next: v128, acc: v128): v128 {
  return twoDots(four(q), odd(q), w, four(q + FOUR), odd(q + FOUR), next, acc);
}

@inline
function addSix(acc: v128, header: usize, group: usize, half: i32, x: usize, low: v128, high: v128): v128 {
  const d = f32x4.mul(v128.load(header + (half << 4)), v128.load32_splat(x));
  const first = scaledTotal(signedScaleBytes(group + (half << 2)), low);
  const second = scaledTotal(signedScaleBytes(group + 8 + (half << 2)), high);
  acc = f32x4.add(acc, f32x4.mul(d, f32x4.convert_i32x4_s(first)));
  return f32x4.add(acc, f32x4.mul(d, f32x4.convert_i32x4_s(second)));
}

@inline
export function tileQ6_K(tokens: i32, z: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 256) {
    const header1 = w1;
    const header2 = w2;
    w1 += HEADER_BYTES;
    w2 += HEADER_BYTES;
    for (let j = 0; j < 8; j++) {
      // Columns 0 … 15, then 16 … 31: each half has scales of its own.
      tileHalf(false, tokens, z, header1, w1, x);
      tileHalf(true, tokens, z, header1, w1, x);
      tileHalf(false, tokens, z + STRIP_SUMS, header2, w2, x);
      tileHalf(true, tokens, z + STRIP_SUMS, header2, w2, x);
      w1 += GROUP_BYTES;
      w2 += GROUP_BYTES;
      x += BLOCK_BYTES * tokens;
    }
  }
}

/** One half of a group. Inlined with a constant, since each half shifts by other numbers of bits. */
@inline
function tileHalf(isHigh: bool, tokens: i32, z: usize, header: usize, w: usize, x: usize): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  const highMask = i32x4.splat(HIGH_MASK);
  const sums = isHigh ? HIGH_SUM : LOW_SUM;
  let a0 = offset(tokens, x, sums, 0, 5);
  let a1 = offset(tokens, x, sums, 1, 5);
  let a2 = tokens > 2 ? offset(tokens, x, sums, 2, 5) : a0;
  let a3 = tokens > 3 ? offset(tokens, x, sums, 3, 5) : a0;
  let b0 = a0;
  let b1 = a1;
  let b2 = a2;
  let b3 = a3;
  let at = w;
  let q = x + (isHigh ? Q + 4 * FOUR : Q) * tokens;
  for (let p = 0; p < 64; p += 32) {
    const bits0 = v128.load(w + p, 144);
    const bits4 = v128.load(w + p, 160);
    const even0 = evenOf(isHigh, v128.load(at, 16), bits0, mask, highMask);
    const even4 = evenOf(isHigh, v128.load(at, 32), bits4, mask, highMask);
    const odd0 = oddOf(isHigh, v128.load(at, 48), bits0, mask, highMask);
    const odd4 = oddOf(isHigh, v128.load(at, 64), bits4, mask, highMask);
    const qNext = q + FOUR * tokens;
    a0 = tileDots(q, even0, qNext, odd0, 0, a0);
    b0 = tileDots(q, even4, qNext, odd4, 0, b0);
    a1 = tileDots(q, even0, qNext, odd0, 1, a1);
    b1 = tileDots(q, even4, qNext, odd4, 1, b1);
    if (tokens > 2) {
      a2 = tileDots(q, even0, qNext, odd0, 2, a2);
      b2 = tileDots(q, even4, qNext, odd4, 2, b2);
    }
    if (tokens > 3) {
      a3 = tileDots(q, even0, qNext, odd0, 3, a3);
      b3 = tileDots(q, even4, qNext, odd4, 3, b3);
    }
    at += 64;
    q += 2 * FOUR * tokens;
  }
  const d0 = v128.load(header);
  const d1 = v128.load(header, 16);
  const scale0 = signedScaleBytes(w + (isHigh ? 8 : 0));
  const scale4 = signedScaleBytes(w + (isHigh ? 12 : 4));
  addTile(z, 0, x, d0, d1, scaledTotal(scale0, a0), scaledTotal(scale4, b0));
  addTile(z, 1, x, d0, d1, scaledTotal(scale0, a1), scaledTotal(scale4, b1));
  if (tokens > 2) addTile(z, 2, x, d0, d1, scaledTotal(scale0, a2), scaledTotal(scale4, b2));
  if (tokens > 3) addTile(z, 3, x, d0, d1, scaledTotal(scale0, a3), scaledTotal(scale4, b3));
}

@inline
function evenOf(isHigh: bool, bytes: v128, bits: v128, mask: v128, highMask: v128): v128 {
  return isHigh ? evenHigh(bytes, bits, mask, highMask) : evenLow(bytes, bits, mask, highMask);
}

@inline
function oddOf(isHigh: bool, bytes: v128, bits: v128, mask: v128, highMask: v128): v128 {
  return isHigh ? oddHigh(bytes, bits, mask, highMask) : oddLow(bytes, bits, mask, highMask);
}

/** For an even k, columns 4k …: the low nibbles of `bytes`, and above them bits 0 and 1 of `bits`. */
@inline
function evenLow(bytes: v128, bits: v128, mask: v128, highMask: v128): v128 {
  return v128.or(v128.and(bytes, mask), v128.and(i16x8.shl(bits, 4), highMask));
}

/** For an even k, columns 16 + 4k …: the high nibbles, and bits 2 and 3. */
@inline
function evenHigh(bytes: v128, bits: v128, mask: v128, highMask: v128): v128 {
  return v128.or(v128.and(i16x8.shr_u(bytes, 4), mask), v128.and(i16x8.shl(bits, 2), highMask));
}

/** For an odd k, columns 4k …: the low nibbles, and bits 4 and 5. */
@inline
function oddLow(bytes: v128, bits: v128, mask: v128, highMask: v128): v128 {
  return v128.or(v128.and(bytes, mask), v128.and(bits, highMask));
}

/** For an odd k, columns 16 + 4k …: the high nibbles, and bits 6 and 7. */
@inline
function oddHigh(bytes: v128, bits: v128, mask: v128, highMask: v128): v128 {
  return v128.or(v128.and(i16x8.shr_u(bytes, 4), mask), v128.and(i16x8.shr_u(bits, 2), highMask));
}
