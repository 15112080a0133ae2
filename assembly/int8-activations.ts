// Activations in int8: blocks of 32 numbers of a row, made before the row is multiplied by packed weights.
//
//   byte  0            4        8               12              16
//         ├─ scale f32 ┼─ −sum ─┼─ −sum 0 … 15 ─┼─ −sum 16 … 31 ┼─ q 0 … 31 ─┤     value[i] ≈ scale · q[i]; sums of q, i32
//
//   relaxed build    q is 32 int8: 48 bytes to a block
//   build of pairs   the same, but each sum is two of 16 bits: of columns 4i and 4i + 1, then of 4i + 2 and 4i + 3
//   baseline build   q is 32 int16: 80 bytes to a block. Of every four numbers the order is first, third, second, fourth:
//                    without an 8-bit dot product, even and odd columns are multiplied separately.
//
// This is llama.cpp's Q8_0 with two changes: the scale stays in float32, and the sums of q are computed once, negated, for the
// products that subtract an offset or a minimum. Rounding is to nearest, ties to even; |q| ≤ 127. One infinite value or NaN makes the
// scale NaN, and with it every product.
//
// A tile is the blocks of two, three or four rows, interleaved: first the scales of rows 0, 1, …, then their sums, then four
// columns of q of each row, the next four columns of each row, and so on.
export const RELAXED: bool = ASC_FEATURE_RELAXED_SIMD;

/**
 * Whether this is the build that sums products in pairs, in lanes of 16 bits. Where the CPU has no AVX-VNNI, V8 makes five
 * instructions of the dot product with sums of 32 bits, and one of the product in pairs.
 */
// @ts-ignore: asc makes this constant from asconfig.json
export const PAIRS: bool = BUILD_PAIRS != 0;

/** Whether this build multiplies by the dot product with sums of 32 bits. */
export const DOT: bool = RELAXED && !PAIRS;

/** Values of a block. */
export const BLOCK_LENGTH: i32 = 32;
/** Bytes of a block, in either build. */
const RELAXED_BYTES: i32 = 48;
const BASELINE_BYTES: i32 = 80;
/** Bytes of a block in this build. */
export const BLOCK_BYTES: i32 = RELAXED ? RELAXED_BYTES : BASELINE_BYTES;
/** Where q begins in it. */
export const Q: i32 = 16;
/** Bytes of four columns of q. */
export const FOUR: i32 = RELAXED ? 4 : 8;

/** Bytes of a row, for whoever plans memory for one of the two builds. */
export function activationBytes(relaxed: bool, cols: i32): i32 {
  return (cols / BLOCK_LENGTH) * (relaxed ? RELAXED_BYTES : BASELINE_BYTES);
}

/** Without the sign of a float32. */
const MAGNITUDE: i32 = 0x7fffffff;
/** 1.5 · 2²³: added to a number below 2²², it leaves the nearest integer, ties to even, in the low bits. */
const ROUND: f32 = 12582912;
const ROUND_BITS: i32 = 0x4b400000;

/** x f32[…] → blocks begin … end − 1 at `to`, counted through all rows, which follow one another. */
export function quantize(to: usize, x: usize, begin: i32, end: i32): void {
  to += <usize>begin * BLOCK_BYTES;
  x += <usize>begin << 7;
  for (let i = begin; i < end; i++) {
    // As integers, magnitudes are in the same order, with infinity and NaN above all others.
    let most = magnitude(x);
    for (let c = 16; c < 128; c += 16) most = i32x4.max_s(most, magnitude(x + c));
    most = i32x4.max_s(most, i32x4.shuffle(most, most, 2, 3, 0, 1));
    most = i32x4.max_s(most, i32x4.shuffle(most, most, 1, 0, 3, 2));
    const step = f32x4.div(most, f32x4.splat(127));
    // Infinity less itself is NaN: of which sign a product would be infinite depends on what engines round NaN to.
    const scale = f32x4.add(step, f32x4.sub(step, step));
    // Below the smallest normal float 1 / scale may overflow: such a block counts as zero.
    const isTiny = f32x4.lt(scale, f32x4.splat(1.17549435e-38));
    const inverse = v128.andnot(f32x4.div(f32x4.splat(1), scale), isTiny);
    const a = eight(x, inverse);
    const b = eight(x + 32, inverse);
    const c = eight(x + 64, inverse);
    const d = eight(x + 96, inverse);
    const sums = negatedSums(i16x8.add(a, b), i16x8.add(c, d));
    v128.store(to, i32x4.shuffle(scale, sums, 0, 6, 4, 5));
    if (RELAXED) {
      v128.store(to, i8x16.narrow_i16x8_s(a, b), Q);
      v128.store(to, i8x16.narrow_i16x8_s(c, d), Q + 16);
    } else {
      v128.store(to, evenOdd(a), Q);
      v128.store(to, evenOdd(b), Q + 16);
      v128.store(to, evenOdd(c), Q + 32);
      v128.store(to, evenOdd(d), Q + 48);
    }
    x += 128;
    to += BLOCK_BYTES;
  }
}

@inline
function magnitude(x: usize): v128 {
  return v128.and(v128.load(x), i32x4.splat(MAGNITUDE));
}

/** Of words 0 … 15, of words 16 … 31, of all and of all, given the sums of every two of a half's eight. */
@inline
function negatedSums(low: v128, high: v128): v128 {
  const lows = i32x4.extadd_pairwise_i16x8_s(low);
  const highs = i32x4.extadd_pairwise_i16x8_s(high);
  // Words 0, 1, 4 and 5 of each half, then its others.
  const halves = i32x4.neg(i32x4.add(i32x4.shuffle(lows, highs, 0, 1, 4, 5), i32x4.shuffle(lows, highs, 2, 3, 6, 7)));
  if (PAIRS) return i16x8.narrow_i32x4_s(halves, i32x4.add(halves, i32x4.shuffle(halves, halves, 2, 3, 0, 1)));
  const sums = i32x4.add(halves, i32x4.shuffle(halves, halves, 1, 0, 3, 2));
  return i32x4.shuffle(sums, i32x4.add(sums, i32x4.shuffle(sums, sums, 2, 3, 0, 1)), 0, 2, 4, 4);
}

/** Eight values as int16. */
@inline
function eight(x: usize, inverse: v128): v128 {
  return i16x8.narrow_i32x4_s(rounded(x, inverse), rounded(x + 16, inverse));
}

@inline
function rounded(x: usize, inverse: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(v128.load(x), inverse), f32x4.splat(ROUND)), i32x4.splat(ROUND_BITS));
}

/** Of every four words the first, third, second, fourth. */
@inline
function evenOdd(words: v128): v128 {
  return i16x8.shuffle(words, words, 0, 2, 1, 3, 4, 6, 5, 7);
}

/** Four columns of a block, in every lane, as `dot` wants them. */
@inline
export function four(q: usize): v128 {
  return v128.load32_splat(q);
}

/** The odd columns of the four, for the build that needs them separately. */
@inline
export function odd(q: usize): v128 {
  return RELAXED ? i32x4.splat(0) : v128.load32_splat(q, 4);
}

/**
 * acc + Σ w · q over four columns, in each lane. `w` holds bytes from 0 to 127, four columns of a row in a lane, or whole bytes
 * where the engine has said what it makes of their eighth bit (Q8_0); `even` and `odds` are what `four` and `odd` give for these
 * columns. Exact. The build of pairs has `twoDots` instead.
 */
@inline
export function dot(even: v128, odds: v128, w: v128, acc: v128): v128 {
  if (RELAXED) return i32x4.relaxed_dot_i8x16_i7x16_add_s(even, w, acc);
  // Two shifts, as a constant mask would be three instructions.
  return dotWords(even, odds, i16x8.shr_u(i16x8.shl(w, 8), 8), i16x8.shr_u(w, 8), acc);
}

/**
 * acc + Σ w · q over two times four columns, with bytes from 0 to 63. In the build of pairs a row's sum is two lanes of 16
 * bits, which `total` or `scaledTotal` adds. They may overflow on the way, as long as they do not in the end: with 16 columns to
 * a lane and weights of −16 … 15 they do not, nor with 8 columns and −32 … 31.
 */
@inline
export function twoDots(even1: v128, odds1: v128, w1: v128, even2: v128, odds2: v128, w2: v128, acc: v128): v128 {
  if (PAIRS) return i16x8.add(acc, i16x8.add(pairs(even1, w1), pairs(even2, w2)));
  return dot(even2, odds2, w2, dot(even1, odds1, w1, acc));
}

/**
 * The same for 16 bytes, of which the low nibbles meet the first four columns, and the high ones the second. `mask` is
 * NIBBLE_MASK in the relaxed builds, WORD_NIBBLE_MASK in baseline.
 */
@inline
export function nibbleDots(even1: v128, odds1: v128, even2: v128, odds2: v128, bytes: v128, mask: v128, acc: v128): v128 {
  if (RELAXED) {
    return twoDots(even1, odds1, v128.and(bytes, mask), even2, odds2, v128.and(i16x8.shr_u(bytes, 4), mask), acc);
  }
  return dotHigh(even2, odds2, bytes, mask, dotLow(even1, odds1, bytes, mask, acc));
}

@inline
function pairs(q: v128, w: v128): v128 {
  // @ts-ignore: asc declares a third operand, and refuses it
  return i16x8.relaxed_dot_i8x16_i7x16_s(q, w);
}

/** The sum of a row in each lane. */
@inline
export function total(acc: v128): v128 {
  return PAIRS ? i32x4.extadd_pairwise_i16x8_s(acc) : acc;
}

/** scale · the sum of a row in each lane; scales are what `scaleBytes` or `signedScaleBytes` made. */
@inline
export function scaledTotal(scale: v128, acc: v128): v128 {
  return PAIRS ? i32x4.dot_i16x8_s(scale, acc) : i32x4.mul(scale, acc);
}

@inline
function dotLow(even: v128, odds: v128, bytes: v128, mask: v128, acc: v128): v128 {
  return dotWords(even, odds, v128.and(bytes, mask), v128.and(i16x8.shr_u(bytes, 8), mask), acc);
}

@inline
function dotHigh(even: v128, odds: v128, bytes: v128, mask: v128, acc: v128): v128 {
  return dotWords(even, odds, v128.and(i16x8.shr_u(bytes, 4), mask), i16x8.shr_u(bytes, 12), acc);
}

/**
 * Of `columns`, which `four` gave, the first and the third as words; of those at `q` the second and the fourth is what `oddWords`
 * gives. With a dot product of bytes, what it wants.
 */
@inline
export function evenWords(columns: v128): v128 {
  return PAIRS ? i16x8.shr_s(i16x8.shl(columns, 8), 8) : columns;
}

@inline
export function oddWords(columns: v128, q: usize): v128 {
  return PAIRS ? i16x8.shr_s(columns, 8) : odd(q);
}

@inline
export function dotWords(even: v128, odds: v128, w: v128, wOdd: v128, acc: v128): v128 {
  return i32x4.add(acc, i32x4.add(i32x4.dot_i16x8_s(even, w), i32x4.dot_i16x8_s(odds, wOdd)));
}

/** Copies a row of `blocks` blocks to its place in a tile of `tokens` rows, where it is number `token`. */
export function packTileRow(tile: usize, tokens: i32, token: i32, row: usize, blocks: i32): void {
  const four = tokens << 2;
  const step = tokens * FOUR;
  const q = tile + token * FOUR;
  tile += token << 2;
  for (let b = 0; b < blocks; b++) {
    const block = <usize>(b * BLOCK_BYTES * tokens);
    for (let i = 0; i < 4; i++) store<u32>(tile + block + i * four, load<u32>(row + (i << 2)));
    for (let i = 0; i < 8; i++) copyFour(q + block + Q * tokens + i * step, row + Q + i * FOUR);
    row += BLOCK_BYTES;
  }
}

@inline
function copyFour(to: usize, from: usize): void {
  if (RELAXED) store<u32>(to, load<u32>(from));
  else store<u64>(to, load<u64>(from));
}
