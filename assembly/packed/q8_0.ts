// Q8_0 packed: each group after a header, 272 bytes, as many as in the file. A weight is d · (byte − 128), or d · byte where
// the build takes whole bytes and the engine has them signed.
//
//   byte  0            16                                                                  272
//         ├─ 8 × d f16 ┼─ for g = 0 … 7, columns 4g … 4g + 3 of 8 rows: 32 bytes             ─┤
//
import { HALVES_MASK, loadHalves, twoTo112 } from "../f16";
import { BLOCK_BYTES, FOUR, four, highDots, lowDots, odd, PAIRS, Q, RELAXED, total, twoDots } from "../int8-activations";
import { NIBBLE_MASK, WORD_NIBBLE_MASK } from "./nibbles";
import { eightHalves, nonFinite, storeSteps } from "./rows";
import { addScaled, addTile, offset, STRIP_SUMS, SUM, tileDots } from "./sums";

export const HEADER_BYTES: i32 = 16;
export const GROUP_BYTES: i32 = 256;

/** Whether this build multiplies whole bytes, where the others split them into nibbles. */
const WHOLE: bool = RELAXED && !PAIRS;

/**
 * −1 where a dot product of this engine takes bytes above 127 as negative, 0 where it does not. WebAssembly leaves that to
 * engines; src/wasm/dot-product.ts asks, and sets this before anything is packed.
 */
export let SIGNED_BYTES: i32 = 0;

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
  storeSteps(to, bytesOf(q), bytesOf(q + rowBytes), bytesOf(q + 2 * rowBytes), bytesOf(q + 3 * rowBytes));
}

/** Each q + 128, or q where bytes are signed. */
@inline
function bytesOf(q: usize): v128 {
  return v128.xor(v128.load(q), v128.andnot(i8x16.splat(-128), signedBytes()));
}

@inline
function signedBytes(): v128 {
  return i32x4.splat(WHOLE ? SIGNED_BYTES : 0);
}

@inline
export function valueQ8_0(group: usize, row: i32, c: i32, d: f32): f32 {
  const byte = <i32>load<u8>(group + ((c >> 2) << 5) + (row << 2) + (c & 3));
  return d * <f32>((WHOLE ? byte ^ (SIGNED_BYTES & 128) : byte) - 128);
}

export function gemvQ8_0(y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(RELAXED ? NIBBLE_MASK : WORD_NIBBLE_MASK);
  const halvesMask = i32x4.splat(HALVES_MASK);
  const signed = signedBytes();
  let acc0 = f32x4.splat(0);
  let acc1 = acc0;
  let acc2 = acc0;
  let acc3 = acc0;
  for (let i = 0; i < cols; i += 32) {
    let sum0 = begun(1, x, 0, signed);
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
    for (let g = 0; g < 8; g += 2) {
      const even = four(q);
      const odds = odd(q);
      const evenNext = four(q + FOUR);
      const oddsNext = odd(q + FOUR);
      let bytes = v128.load(at1, 16);
      let next = v128.load(at1, 48);
      if (WHOLE) {
        sum0 = twoDots(even, odds, bytes, evenNext, oddsNext, next, sum0);
      } else {
        low0 = lowDots(even, odds, bytes, evenNext, oddsNext, next, mask, low0);
        sum0 = highDots(even, odds, bytes, evenNext, oddsNext, next, mask, sum0);
      }
      bytes = v128.load(at1, 32);
      next = v128.load(at1, 64);
      if (WHOLE) {
        sum1 = twoDots(even, odds, bytes, evenNext, oddsNext, next, sum1);
      } else {
        low1 = lowDots(even, odds, bytes, evenNext, oddsNext, next, mask, low1);
        sum1 = highDots(even, odds, bytes, evenNext, oddsNext, next, mask, sum1);
      }
      bytes = v128.load(at2, 16);
      next = v128.load(at2, 48);
      if (WHOLE) {
        sum2 = twoDots(even, odds, bytes, evenNext, oddsNext, next, sum2);
      } else {
        low2 = lowDots(even, odds, bytes, evenNext, oddsNext, next, mask, low2);
        sum2 = highDots(even, odds, bytes, evenNext, oddsNext, next, mask, sum2);
      }
      bytes = v128.load(at2, 32);
      next = v128.load(at2, 64);
      if (WHOLE) {
        sum3 = twoDots(even, odds, bytes, evenNext, oddsNext, next, sum3);
      } else {
        low3 = lowDots(even, odds, bytes, evenNext, oddsNext, next, mask, low3);
        sum3 = highDots(even, odds, bytes, evenNext, oddsNext, next, mask, sum3);
      }
      at1 += 64;
      at2 += 64;
      q += 2 * FOUR;
    }
    const xScale = f32x4.mul(v128.load32_splat(x), twoTo112());
    acc0 = addScaled(acc0, loadHalves(w1, halvesMask), xScale, joined(sum0, low0));
    acc1 = addScaled(acc1, loadHalves(w1 + 8, halvesMask), xScale, joined(sum1, low1));
    acc2 = addScaled(acc2, loadHalves(w2, halvesMask), xScale, joined(sum2, low2));
    acc3 = addScaled(acc3, loadHalves(w2 + 8, halvesMask), xScale, joined(sum3, low3));
    w1 += 272;
    w2 += 272;
    x += BLOCK_BYTES;
  }
  v128.store(y1, acc0, 0);
  v128.store(y1, acc1, 16);
  v128.store(y2, acc2, 0);
  v128.store(y2, acc3, 16);
}

/**
 * Where a sum begins: with unsigned bytes, the weights' −128 make −128 · (sum of q). In nibbles a weight is
 * 16 · high + low − 128. The sum over `high` begins at −8 · (sum of q), which is 16 times as much when it joins `low`.
 */
@inline
function begun(tokens: i32, x: usize, token: i32, signed: v128): v128 {
  return WHOLE ? v128.andnot(offset(tokens, x, SUM, token, 7), signed) : offset(tokens, x, SUM, token, 3);
}

/** The sums over high nibbles and over low ones as one. */
@inline
function joined(sum: v128, low: v128): v128 {
  return WHOLE ? sum : i32x4.add(i32x4.shl(total(sum), 4), total(low));
}

@inline
export function tileQ8_0(tokens: i32, z: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 32) {
    tileGroup(tokens, z, w1, x);
    tileGroup(tokens, z + STRIP_SUMS, w2, x);
    w1 += 272;
    w2 += 272;
    x += BLOCK_BYTES * tokens;
  }
}

@inline
function tileGroup(tokens: i32, z: usize, w: usize, x: usize): void {
  const mask = i32x4.splat(NIBBLE_MASK);
  const signed = signedBytes();
  let a0 = begun(tokens, x, 0, signed);
  let a1 = begun(tokens, x, 1, signed);
  let a2 = tokens > 2 ? begun(tokens, x, 2, signed) : a0;
  let a3 = tokens > 3 ? begun(tokens, x, 3, signed) : a0;
  let b0 = a0;
  let b1 = a1;
  let b2 = a2;
  let b3 = a3;
  let at = w;
  let q = x + Q * tokens;
  let highA0 = a0;
  let highA1 = a1;
  let highA2 = a2;
  let highA3 = a3;
  let highB0 = b0;
  let highB1 = b1;
  let highB2 = b2;
  let highB3 = b3;
  if (!WHOLE) {
    // The high nibbles, times 16; then the low ones are added.
    for (let g = 0; g < 8; g += 2) {
      const rows0 = v128.and(i16x8.shr_u(v128.load(at, 16), 4), mask);
      const rows4 = v128.and(i16x8.shr_u(v128.load(at, 32), 4), mask);
      const next0 = v128.and(i16x8.shr_u(v128.load(at, 48), 4), mask);
      const next4 = v128.and(i16x8.shr_u(v128.load(at, 64), 4), mask);
      const qNext = q + FOUR * tokens;
      a0 = tileDots(q, rows0, qNext, next0, 0, a0);
      b0 = tileDots(q, rows4, qNext, next4, 0, b0);
      a1 = tileDots(q, rows0, qNext, next0, 1, a1);
      b1 = tileDots(q, rows4, qNext, next4, 1, b1);
      if (tokens > 2) {
        a2 = tileDots(q, rows0, qNext, next0, 2, a2);
        b2 = tileDots(q, rows4, qNext, next4, 2, b2);
      }
      if (tokens > 3) {
        a3 = tileDots(q, rows0, qNext, next0, 3, a3);
        b3 = tileDots(q, rows4, qNext, next4, 3, b3);
      }
      at += 64;
      q += 2 * FOUR * tokens;
    }
    highA0 = i32x4.shl(total(a0), 4);
    highA1 = i32x4.shl(total(a1), 4);
    highA2 = i32x4.shl(total(a2), 4);
    highA3 = i32x4.shl(total(a3), 4);
    highB0 = i32x4.shl(total(b0), 4);
    highB1 = i32x4.shl(total(b1), 4);
    highB2 = i32x4.shl(total(b2), 4);
    highB3 = i32x4.shl(total(b3), 4);
    a0 = resumed(highA0);
    a1 = resumed(highA1);
    a2 = resumed(highA2);
    a3 = resumed(highA3);
    b0 = resumed(highB0);
    b1 = resumed(highB1);
    b2 = resumed(highB2);
    b3 = resumed(highB3);
    at = w;
    q = x + Q * tokens;
  }
  for (let g = 0; g < 8; g += 2) {
    const rows0 = lowOf(v128.load(at, 16), mask);
    const rows4 = lowOf(v128.load(at, 32), mask);
    const next0 = lowOf(v128.load(at, 48), mask);
    const next4 = lowOf(v128.load(at, 64), mask);
    const qNext = q + FOUR * tokens;
    a0 = tileDots(q, rows0, qNext, next0, 0, a0);
    b0 = tileDots(q, rows4, qNext, next4, 0, b0);
    a1 = tileDots(q, rows0, qNext, next0, 1, a1);
    b1 = tileDots(q, rows4, qNext, next4, 1, b1);
    if (tokens > 2) {
      a2 = tileDots(q, rows0, qNext, next0, 2, a2);
      b2 = tileDots(q, rows4, qNext, next4, 2, b2);
    }
    if (tokens > 3) {
      a3 = tileDots(q, rows0, qNext, next0, 3, a3);
      b3 = tileDots(q, rows4, qNext, next4, 3, b3);
    }
    at += 64;
    q += 2 * FOUR * tokens;
  }
  const halvesMask = i32x4.splat(HALVES_MASK);
  const d0 = f32x4.mul(loadHalves(w, halvesMask), twoTo112());
  const d1 = f32x4.mul(loadHalves(w + 8, halvesMask), twoTo112());
  addTile(z, 0, x, d0, d1, rejoined(highA0, a0), rejoined(highB0, b0));
  addTile(z, 1, x, d0, d1, rejoined(highA1, a1), rejoined(highB1, b1));
  if (tokens > 2) addTile(z, 2, x, d0, d1, rejoined(highA2, a2), rejoined(highB2, b2));
  if (tokens > 3) addTile(z, 3, x, d0, d1, rejoined(highA3, a3), rejoined(highB3, b3));
}

/** Where the pass over low nibbles begins: in pairs anew, as 16 bits have no room for both. */
@inline
function resumed(high: v128): v128 {
  return PAIRS ? i32x4.splat(0) : high;
}

/** The sums of both passes. */
@inline
function rejoined(high: v128, acc: v128): v128 {
  return PAIRS ? i32x4.add(high, total(acc)) : acc;
}

/** What the last loop of a tile multiplies. */
@inline
function lowOf(bytes: v128, mask: v128): v128 {
  return WHOLE ? bytes : v128.and(bytes, mask);
}
