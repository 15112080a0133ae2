// Q4_K and Q5_K packed: one block of each of 8 rows is a header and 8 groups.
//
//   Q4_K, 1216 bytes (+ 5.6 %)
//   byte  0            32              64                                          1216
//         ├─ 8 × d f32 ┼─ 8 × dmin f32 ┼─ 8 × (8 scales │ 8 minima │ nibbles) ─┤
//   Q5_K, 1472 bytes (+ 4.5 %): each group has 32 bytes more, 4 for each row. In byte i of a row, bit k is the fifth bit of
//   column 4k + i, and bit 4 + k that of column 16 + 4k + i.
//
// d and dmin are kept in float32. loadHalves (f16.ts) would make them 2¹¹² times smaller, which is often subnormal, and a
// product with a subnormal costs 150 cycles.
import { loadF16 } from "../f16";
import { Q4_K, Q5_K } from "../formats/q4_k";
import { BLOCK_BYTES, FOUR, four, nibbleDots, odd, PAIRS, Q, RELAXED, scaledTotal, twoDots } from "../int8-activations";
import { nibble, NIBBLE_MASK, nibblesOf, scaleBytes, WORD_NIBBLE_MASK } from "./nibbles";
import { eightHalves, nonFinite, storeSteps } from "./rows";
import { offset, STRIP_SUMS, SUM, tileDots } from "./sums";

// Mutable and exported for the reason given in f16.ts.
export let FIFTH_MASK: i32 = 0x10101010;

export const HEADER_BYTES: i32 = 64;

/** Bytes of one group. */
@inline
export function groupBytes(format: i32): i32 {
  return format == Q4_K ? 144 : 176;
}

/** @returns all ones in a lane of a row with a d or dmin that is infinite or NaN */
export function packQ4_K(format: i32, to: usize, from: usize, cols: i32, rowBytes: usize): v128 {
  const fiveBits = format == Q5_K;
  const qs: usize = fiveBits ? 48 : 16;
  let bad = i16x8.splat(0);
  for (let i = 0; i < cols; i += 256) {
    bad = v128.or(bad, v128.or(nonFinite(eightHalves(from, rowBytes)), nonFinite(eightHalves(from + 2, rowBytes))));
    let row = from;
    for (let r = 0; r < 8; r++) {
      store<f32>(to + (r << 2), loadF16(row));
      store<f32>(to + 32 + (r << 2), loadF16(row + 2));
      packScales(to + 64 + r, row + 4, groupBytes(format));
      row += rowBytes;
    }
    let group = to + 64;
    for (let j = 0; j < 8; j++) {
      const pair = from + qs + ((j >> 1) << 5);
      const shift = (j & 1) << 2;
      pack4(group + 16, pair, rowBytes, shift);
      pack4(group + 32, pair + 4 * rowBytes, rowBytes, shift);
      if (fiveBits) {
        row = from + 16;
        for (let r = 0; r < 8; r++) {
          store<i32>(group + 144 + (r << 2), fifthBits(row, j));
          row += rowBytes;
        }
      }
      group += groupBytes(format);
    }
    to = group;
    from += qs + 128;
  }
  return bad;
}

@inline
function pack4(to: usize, pair: usize, rowBytes: usize, shift: i32): void {
  storeSteps(
    to,
    rowNibbles(pair, shift),
    rowNibbles(pair + rowBytes, shift),
    rowNibbles(pair + 2 * rowBytes, shift),
    rowNibbles(pair + 3 * rowBytes, shift),
  );
}

@inline
function rowNibbles(pair: usize, shift: i32): v128 {
  return nibblesOf(i8x16.shr_u(v128.load(pair), shift), i8x16.shr_u(v128.load(pair, 16), shift));
}

/** A row's scales and minima, as in formats/q4_k.ts but four at once, into its place in 8 groups. */
@inline
function packScales(to: usize, s: usize, stride: i32): void {
  const a = load<u32>(s);
  const b = load<u32>(s, 4);
  const c = load<u32>(s, 8);
  storeFour(to, a & 0x3f3f3f3f, stride);
  storeFour(to + 8, b & 0x3f3f3f3f, stride);
  to += 4 * stride;
  storeFour(to, (c & 0x0f0f0f0f) | ((a >> 2) & 0x30303030), stride);
  storeFour(to + 8, ((c >> 4) & 0x0f0f0f0f) | ((b >> 2) & 0x30303030), stride);
}

@inline
function storeFour(to: usize, bytes: u32, stride: i32): void {
  store<u8>(to, <u8>bytes);
  store<u8>(to + stride, <u8>(bytes >> 8));
  store<u8>(to + 2 * stride, <u8>(bytes >> 16));
  store<u8>(to + 3 * stride, <u8>(bytes >> 24));
}

/** Of a row's 32 columns in group j, whose fifth bits are bit j of the bytes at `bits`: four bytes, as pictured above. */
@inline
function fifthBits(bits: usize, j: i32): i32 {
  const one = i8x16.splat(1);
  const low = v128.and(i8x16.shr_u(v128.load(bits), j), one);
  const high = v128.and(i8x16.shr_u(v128.load(bits, 16), j), one);
  // Lane k, columns 4k … 4k + 3, goes to bit k; then all lanes into one.
  const placed = v128.or(i32x4.mul(low, i32x4(1, 2, 4, 8)), i32x4.mul(high, i32x4(16, 32, 64, 128)));
  const halves = v128.or(placed, i64x2.shuffle(placed, placed, 1, 0));
  return i32x4.extract_lane(halves, 0) | i32x4.extract_lane(halves, 1);
}

@inline
export function valueQ4_K(format: i32, group: usize, row: i32, c: i32, d: f32, dmin: f32): f32 {
  let value = nibble(group + 16, row, c);
  if (format == Q5_K) {
    const bits = <i32>load<u8>(group + 144 + (row << 2) + (c & 3));
    value |= ((bits >> (((c & 15) >> 2) + ((c >> 4) << 2))) & 1) << 4;
  }
  return d * <f32>load<u8>(group + row) * <f32>value - dmin * <f32>load<u8>(group + 8 + row);
}

/**
 * Where a sum begins. In pairs a row's 16 products with five bits would not fit 16 bits; with a fifth bit that counts −16 or 0
 * they do, 16 · 16 · 127 at most.
 */
@inline
function begunAt(format: i32, tokens: i32, x: usize, token: i32): v128 {
  return PAIRS && format == Q5_K ? offset(tokens, x, SUM, token, 4) : i32x4.splat(0);
}

/** scale · Σ; what begunAt took off is added. */
@inline
function scaledSum(format: i32, tokens: i32, x: usize, token: i32, scale: v128, acc: v128): v128 {
  const sum = scaledTotal(scale, acc);
  return PAIRS && format == Q5_K ? i32x4.sub(sum, scaledTotal(scale, begunAt(format, tokens, x, token))) : sum;
}

/** acc + (d · xScale) · (scale · Σ) − (dmin · xScale) · (min · sum) for rows 4 · half … 4 · half + 3. */
@inline
function addAffine(format: i32, acc: v128, header: usize, group: usize, half: i32, x: usize, sum: v128): v128 {
  const xScale = v128.load32_splat(x);
  const d = f32x4.mul(v128.load(header + (half << 4)), xScale);
  const dmin = f32x4.mul(v128.load(header + 32 + (half << 4)), xScale);
  const scaled = scaledSum(format, 1, x, 0, scaleBytes(group + (half << 2)), sum);
  const minima = scaledTotal(scaleBytes(group + 8 + (half << 2)), v128.load32_splat(x + SUM));
  return f32x4.add(
    acc,
    f32x4.add(f32x4.mul(d, f32x4.convert_i32x4_s(scaled)), f32x4.mul(dmin, f32x4.convert_i32x4_s(minima))),
  );
}

/** Q4_K, and Q5_K, which adds a fifth bit to each nibble. */
@inline
export function gemvQ4_K(format: i32, y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(format == Q5_K || RELAXED ? NIBBLE_MASK : WORD_NIBBLE_MASK);
  const fifth = i32x4.splat(FIFTH_MASK);
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
      const begun = begunAt(format, 1, x, 0);
      let sum0 = begun;
      let sum1 = sum0;
      let sum2 = sum0;
      let sum3 = sum0;
      let bits0 = fifthBitsAt(format, w1 + 144);
      let bits1 = fifthBitsAt(format, w1 + 160);
      let bits2 = fifthBitsAt(format, w2 + 144);
      let bits3 = fifthBitsAt(format, w2 + 160);
      let at1 = w1;
      let at2 = w2;
      let q = x + Q;
      for (let k = 0; k < 4; k++) {
        const low = four(q);
        const lowOdd = odd(q);
        const high = four(q + 4 * FOUR);
        const highOdd = odd(q + 4 * FOUR);
        sum0 = fiveDots(format, low, lowOdd, high, highOdd, v128.load(at1, 16), bits0, mask, fifth, sum0);
        sum1 = fiveDots(format, low, lowOdd, high, highOdd, v128.load(at1, 32), bits1, mask, fifth, sum1);
        sum2 = fiveDots(format, low, lowOdd, high, highOdd, v128.load(at2, 16), bits2, mask, fifth, sum2);
        sum3 = fiveDots(format, low, lowOdd, high, highOdd, v128.load(at2, 32), bits3, mask, fifth, sum3);
        if (format == Q5_K) {
          bits0 = i16x8.shr_u(bits0, 1);
          bits1 = i16x8.shr_u(bits1, 1);
          bits2 = i16x8.shr_u(bits2, 1);
          bits3 = i16x8.shr_u(bits3, 1);
        }
        at1 += 32;
        at2 += 32;
        q += FOUR;
      }
      acc0 = addAffine(format, acc0, header1, w1, 0, x, sum0);
      acc1 = addAffine(format, acc1, header1, w1, 1, x, sum1);
      acc2 = addAffine(format, acc2, header2, w2, 0, x, sum2);
      acc3 = addAffine(format, acc3, header2, w2, 1, x, sum3);
      w1 += groupBytes(format);
      w2 += groupBytes(format);
      x += BLOCK_BYTES;
    }
  }
  v128.store(y1, acc0, 0);
  v128.store(y1, acc1, 16);
  v128.store(y2, acc2, 0);
  v128.store(y2, acc3, 16);
}

/** acc + Σ over the columns of 16 bytes: first their low nibbles, then the high ones, each with its fifth bit. */
@inline
function fiveDots(
  format: i32,
  low: v128,
  lowOdd: v128,
  high: v128,
  highOdd: v128,
  bytes: v128,
  bits: v128,
  mask: v128,
  fifth: v128,
  acc: v128,
): v128 {
  if (format == Q4_K) return nibbleDots(low, lowOdd, high, highOdd, bytes, mask, acc);
  const first = lowFive(format, bytes, bits, mask, fifth);
  return twoDots(low, lowOdd, first, high, highOdd, highFive(format, bytes, bits, mask, fifth), acc);
}

/** z[token] += (d · xScale) · (scale · Σ) − (dmin · xScale) · (min · sum) for 8 rows: 0 … 3 have the sums `a`, 4 … 7 `b`. */
@inline
function addTileAffine(format: i32, tokens: i32, z: usize, token: i32, x: usize, header: usize, w: usize, a: v128, b: v128): void {
  addHalfAffine(format, tokens, z, token, x, header, w, 0, a);
  addHalfAffine(format, tokens, z, token, x, header, w, 1, b);
}

@inline
function addHalfAffine(
  format: i32,
  tokens: i32,
  z: usize,
  token: i32,
  x: usize,
  header: usize,
  group: usize,
  half: i32,
  sum: v128,
): void {
  const xScale = v128.load32_splat(x + (token << 2));
  const d = f32x4.mul(v128.load(header + (half << 4)), xScale);
  const dmin = f32x4.mul(v128.load(header + 32 + (half << 4)), xScale);
  const scaled = scaledSum(format, tokens, x, token, scaleBytes(group + (half << 2)), sum);
  const negated = v128.load32_splat(x + SUM * tokens + (token << 2));
  const minima = scaledTotal(scaleBytes(group + 8 + (half << 2)), negated);
  const at = z + (token << 5) + (half << 4);
  const value = f32x4.add(f32x4.mul(d, f32x4.convert_i32x4_s(scaled)), f32x4.mul(dmin, f32x4.convert_i32x4_s(minima)));
  v128.store(at, f32x4.add(v128.load(at), value));
}

/** Q4_K, and Q5_K, which adds a fifth bit to each nibble. */
@inline
export function tileQ4_K(format: i32, tokens: i32, z: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 256) {
    const header1 = w1;
    const header2 = w2;
    w1 += HEADER_BYTES;
    w2 += HEADER_BYTES;
    for (let j = 0; j < 8; j++) {
      tileGroup(format, tokens, z, header1, w1, x);
      tileGroup(format, tokens, z + STRIP_SUMS, header2, w2, x);
      w1 += groupBytes(format);
      w2 += groupBytes(format);
      x += BLOCK_BYTES * tokens;
    }
  }
}

@inline
function tileGroup(format: i32, tokens: i32, z: usize, header: usize, w: usize, x: usize): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  const fifth = i32x4.splat(FIFTH_MASK);
  let a0 = begunAt(format, tokens, x, 0);
  let a1 = begunAt(format, tokens, x, 1);
  let a2 = tokens > 2 ? begunAt(format, tokens, x, 2) : a0;
  let a3 = tokens > 3 ? begunAt(format, tokens, x, 3) : a0;
  let b0 = a0;
  let b1 = a1;
  let b2 = a2;
  let b3 = a3;
  let bits0 = fifthBitsAt(format, w + 144);
  let bits4 = fifthBitsAt(format, w + 160);
  let at = w;
  let q = x + Q * tokens;
  for (let k = 0; k < 4; k++) {
    const bytes0 = v128.load(at, 16);
    const bytes4 = v128.load(at, 32);
    const low0 = lowFive(format, bytes0, bits0, mask, fifth);
    const low4 = lowFive(format, bytes4, bits4, mask, fifth);
    const high0 = highFive(format, bytes0, bits0, mask, fifth);
    const high4 = highFive(format, bytes4, bits4, mask, fifth);
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
    if (format == Q5_K) {
      bits0 = i16x8.shr_u(bits0, 1);
      bits4 = i16x8.shr_u(bits4, 1);
    }
    at += 32;
    q += FOUR * tokens;
  }
  addTileAffine(format, tokens, z, 0, x, header, w, a0, b0);
  addTileAffine(format, tokens, z, 1, x, header, w, a1, b1);
  if (tokens > 2) addTileAffine(format, tokens, z, 2, x, header, w, a2, b2);
  if (tokens > 3) addTileAffine(format, tokens, z, 3, x, header, w, a3, b3);
}

/** The bits of Q5_K for four rows. Where they are used, a loop has moved them on by k. */
@inline
function fifthBitsAt(format: i32, address: usize): v128 {
  return format == Q5_K ? v128.load(address) : i32x4.splat(0);
}

/** Columns 4k … 4k + 3 of four rows: the low nibbles of `bytes`; in Q5_K bit 0 of each byte of `bits`, moved by k, is the fifth. */
@inline
function lowFive(format: i32, bytes: v128, bits: v128, mask: v128, fifth: v128): v128 {
  const nibbles = v128.and(bytes, mask);
  return format == Q4_K ? nibbles : v128.or(nibbles, v128.and(i16x8.shl(bits, 4), fifth));
}

/** Columns 16 + 4k … 16 + 4k + 3: the high nibbles, and bit 4. */
@inline
function highFive(format: i32, bytes: v128, bits: v128, mask: v128, fifth: v128): v128 {
  const nibbles = v128.and(i16x8.shr_u(bytes, 4), mask);
  return format == Q4_K ? nibbles : v128.or(nibbles, v128.and(bits, fifth));
}
