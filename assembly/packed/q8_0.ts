// Q8_0 packed: each group after a header, 272 bytes, as many as in the file. A weight is d · (byte − 128), or d · byte where
// the build takes whole bytes and the engine has them signed.
//
//   byte  0            16                                                                  272
//         ├─ 8 × d f16 ┼─ for g = 0 … 7, columns 4g … 4g + 3 of 8 rows: 32 bytes             ─┤
//
import { HALVES_MASK, loadHalves, twoTo112 } from "../f16";
import { BLOCK_BYTES, DOT, dotWords, evenWords, FOUR, four, oddWords, Q, twoDots } from "../int8-activations";
import { eightHalves, nonFinite, storeSteps } from "./rows";
import {
  addScaled,
  addTile,
  addWords,
  offset,
  STRIP_SUMS,
  SUM,
  tileDots,
  tileOfWords,
  wordOffset,
  WORDS,
  wordsAt,
  wordsStep,
} from "./sums";

export const HEADER_BYTES: i32 = 16;
export const GROUP_BYTES: i32 = 256;

// Mutable and exported for the reason given in f16.ts.
export let BYTE_MASK: i32 = 0x00ff00ff;

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
  return i32x4.splat(DOT ? SIGNED_BYTES : 0);
}

@inline
export function valueQ8_0(group: usize, row: i32, c: i32, d: f32): f32 {
  const byte = <i32>load<u8>(group + ((c >> 2) << 5) + (row << 2) + (c & 3));
  return d * <f32>((DOT ? byte ^ (SIGNED_BYTES & 128) : byte) - 128);
}

export function gemvQ8_0(y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  const mask = i32x4.splat(BYTE_MASK);
  const halvesMask = i32x4.splat(HALVES_MASK);
  const signed = signedBytes();
  let acc0 = f32x4.splat(0);
  let acc1 = acc0;
  let acc2 = acc0;
  let acc3 = acc0;
  for (let i = 0; i < cols; i += 32) {
    let sum0 = begun(x, signed);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let at1 = w1;
    let at2 = w2;
    let q = x + Q;
    for (let g = 0; g < 8; g += 2) {
      const columns = four(q);
      const even = evenWords(columns);
      const odds = oddWords(columns, q);
      const next = four(q + FOUR);
      const evenNext = evenWords(next);
      const oddsNext = oddWords(next, q + FOUR);
      sum0 = eightColumns(even, odds, evenNext, oddsNext, v128.load(at1, 16), v128.load(at1, 48), mask, sum0);
      sum1 = eightColumns(even, odds, evenNext, oddsNext, v128.load(at1, 32), v128.load(at1, 64), mask, sum1);
      sum2 = eightColumns(even, odds, evenNext, oddsNext, v128.load(at2, 16), v128.load(at2, 48), mask, sum2);
      sum3 = eightColumns(even, odds, evenNext, oddsNext, v128.load(at2, 32), v128.load(at2, 64), mask, sum3);
      at1 += 64;
      at2 += 64;
      q += 2 * FOUR;
    }
    const xScale = f32x4.mul(v128.load32_splat(x), twoTo112());
    acc0 = addScaled(acc0, loadHalves(w1, halvesMask), xScale, sum0);
    acc1 = addScaled(acc1, loadHalves(w1 + 8, halvesMask), xScale, sum1);
    acc2 = addScaled(acc2, loadHalves(w2, halvesMask), xScale, sum2);
    acc3 = addScaled(acc3, loadHalves(w2 + 8, halvesMask), xScale, sum3);
    w1 += 272;
    w2 += 272;
    x += BLOCK_BYTES;
  }
  v128.store(y1, acc0, 0);
  v128.store(y1, acc1, 16);
  v128.store(y2, acc2, 0);
  v128.store(y2, acc3, 16);
}

/** acc + Σ w · q over eight columns, without a dot product of bytes as products of words. */
@inline
function eightColumns(
  even: v128,
  odds: v128,
  evenNext: v128,
  oddsNext: v128,
  bytes: v128,
  next: v128,
  mask: v128,
  acc: v128,
): v128 {
  if (DOT) return twoDots(even, odds, bytes, evenNext, oddsNext, next, acc);
  acc = dotWords(even, odds, v128.and(bytes, mask), i16x8.shr_u(bytes, 8), acc);
  return dotWords(evenNext, oddsNext, v128.and(next, mask), i16x8.shr_u(next, 8), acc);
}

/** Where a sum begins: with unsigned bytes, the weights' −128 make −128 · (sum of q). */
@inline
function begun(x: usize, signed: v128): v128 {
  return DOT ? v128.andnot(offset(1, x, SUM, 0, 7), signed) : wordOffset(1, x, 0, 7);
}

@inline
export function tileQ8_0(tokens: i32, z: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 32) {
    if (DOT) {
      tileGroup(tokens, z, w1, x);
      tileGroup(tokens, z + STRIP_SUMS, w2, x);
    } else {
      const q = tileOfWords(tokens, z + WORDS, x);
      tileWords(tokens, z, w1, x, q);
      tileWords(tokens, z + STRIP_SUMS, w2, x, q);
    }
    w1 += 272;
    w2 += 272;
    x += BLOCK_BYTES * tokens;
  }
}

@inline
function tileGroup(tokens: i32, z: usize, w: usize, x: usize): void {
  const signed = signedBytes();
  let a0 = v128.andnot(offset(tokens, x, SUM, 0, 7), signed);
  let a1 = v128.andnot(offset(tokens, x, SUM, 1, 7), signed);
  let a2 = tokens > 2 ? v128.andnot(offset(tokens, x, SUM, 2, 7), signed) : a0;
  let a3 = tokens > 3 ? v128.andnot(offset(tokens, x, SUM, 3, 7), signed) : a0;
  let b0 = a0;
  let b1 = a1;
  let b2 = a2;
  let b3 = a3;
  let at = w;
  let q = x + Q * tokens;
  for (let g = 0; g < 8; g += 2) {
    const rows0 = v128.load(at, 16);
    const rows4 = v128.load(at, 32);
    const next0 = v128.load(at, 48);
    const next4 = v128.load(at, 64);
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
  addGroup(tokens, z, w, x, a0, a1, a2, a3, b0, b1, b2, b3);
}

/** Even columns of four, then odd ones: so the registers are enough. */
@inline
function tileWords(tokens: i32, z: usize, w: usize, x: usize, q: usize): void {
  const mask = i32x4.splat(BYTE_MASK);
  let a0 = wordOffset(tokens, x, 0, 7);
  let a1 = wordOffset(tokens, x, 1, 7);
  let a2 = tokens > 2 ? wordOffset(tokens, x, 2, 7) : a0;
  let a3 = tokens > 3 ? wordOffset(tokens, x, 3, 7) : a0;
  let b0 = a0;
  let b1 = a1;
  let b2 = a2;
  let b3 = a3;
  let at = w;
  for (let g = 0; g < 8; g++) {
    let rows0 = v128.and(v128.load(at, 16), mask);
    let rows4 = v128.and(v128.load(at, 32), mask);
    let words = v128.load32_splat(q + wordsAt(tokens, 0, 0));
    a0 = addWords(a0, words, rows0);
    b0 = addWords(b0, words, rows4);
    words = v128.load32_splat(q + wordsAt(tokens, 1, 0));
    a1 = addWords(a1, words, rows0);
    b1 = addWords(b1, words, rows4);
    if (tokens > 2) {
      words = v128.load32_splat(q + wordsAt(tokens, 2, 0));
      a2 = addWords(a2, words, rows0);
      b2 = addWords(b2, words, rows4);
    }
    if (tokens > 3) {
      words = v128.load32_splat(q + wordsAt(tokens, 3, 0));
      a3 = addWords(a3, words, rows0);
      b3 = addWords(b3, words, rows4);
    }
    rows0 = i16x8.shr_u(v128.load(at, 16), 8);
    rows4 = i16x8.shr_u(v128.load(at, 32), 8);
    words = v128.load32_splat(q + wordsAt(tokens, 0, 1));
    a0 = addWords(a0, words, rows0);
    b0 = addWords(b0, words, rows4);
    words = v128.load32_splat(q + wordsAt(tokens, 1, 1));
    a1 = addWords(a1, words, rows0);
    b1 = addWords(b1, words, rows4);
    if (tokens > 2) {
      words = v128.load32_splat(q + wordsAt(tokens, 2, 1));
      a2 = addWords(a2, words, rows0);
      b2 = addWords(b2, words, rows4);
    }
    if (tokens > 3) {
      words = v128.load32_splat(q + wordsAt(tokens, 3, 1));
      a3 = addWords(a3, words, rows0);
      b3 = addWords(b3, words, rows4);
    }
    at += 32;
    q += wordsStep(tokens);
  }
  addGroup(tokens, z, w, x, a0, a1, a2, a3, b0, b1, b2, b3);
}

@inline
function addGroup(
  tokens: i32,
  z: usize,
  w: usize,
  x: usize,
  a0: v128,
  a1: v128,
  a2: v128,
  a3: v128,
  b0: v128,
  b1: v128,
  b2: v128,
  b3: v128,
): void {
  const halvesMask = i32x4.splat(HALVES_MASK);
  const d0 = f32x4.mul(loadHalves(w, halvesMask), twoTo112());
  const d1 = f32x4.mul(loadHalves(w + 8, halvesMask), twoTo112());
  addTile(z, 0, x, d0, d1, a0, b0);
  addTile(z, 1, x, d0, d1, a1, b1);
  if (tokens > 2) addTile(z, 2, x, d0, d1, a2, b2);
  if (tokens > 3) addTile(z, 3, x, d0, d1, a3, b3);
}
