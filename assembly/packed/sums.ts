// How the integer sums of a group are added to the float32 sums of a row: in registers for one token, in memory for a tile.
//
// A tile is the activations of 2, 3 or 4 tokens. Times a strip it gives 8 rows × 4 tokens at most: 8 vectors of integer sums,
// which stay in registers for one group. The float32 sums are kept in scratch memory, because with 8 more vectors the
// registers would spill: 347 to 363 GOPS instead of 268 to 292 (two threads of a Zen 5, V8 13.6).
import { FOUR, four, odd, PAIRS, Q, twoDots } from "../int8-activations";

/** Tokens of a tile, at most. */
export const TILE_TOKENS: i32 = 4;
/** Bytes of the float32 sums of 8 rows × 4 tokens. */
export const STRIP_SUMS: i32 = 128;
/** Bytes of the sums of two strips. */
export const TILE_SUMS: i32 = 2 * STRIP_SUMS;
/** Where scratch has room for a tile's columns as words, in the build that needs it. */
export const WORDS: i32 = TILE_SUMS;
/** Bytes of scratch. */
export const TILE_SCRATCH: i32 = WORDS + 256;

/** Where a block has its sums of q, negated. In a tile of n tokens each number of it is there n times (packTileRow). */
export const SUM: i32 = 4;
export const LOW_SUM: i32 = 8;
export const HIGH_SUM: i32 = 12;

/** acc + (d · xScale) · Σ for four rows. */
@inline
export function addScaled(acc: v128, d: v128, xScale: v128, sum: v128): v128 {
  return f32x4.add(acc, f32x4.mul(f32x4.mul(d, xScale), f32x4.convert_i32x4_s(sum)));
}

/** z[token] += (d · xScale) · Σ for 8 rows: rows 0 … 3 have d0 and the sums `a`, rows 4 … 7 d1 and `b`. */
@inline
export function addTile(z: usize, token: i32, x: usize, d0: v128, d1: v128, a: v128, b: v128): void {
  const xScale = v128.load32_splat(x + (token << 2));
  const at = z + (token << 5);
  v128.store(at, f32x4.add(v128.load(at), f32x4.mul(f32x4.mul(d0, xScale), f32x4.convert_i32x4_s(a))));
  v128.store(at, f32x4.add(v128.load(at, 16), f32x4.mul(f32x4.mul(d1, xScale), f32x4.convert_i32x4_s(b))), 16);
}

/** −2^shift · the sum of q of one token of a tile: SUM, LOW_SUM or HIGH_SUM. */
@inline
export function offset(tokens: i32, x: usize, sum: i32, token: i32, shift: i32): v128 {
  const sums = v128.load32_splat(x + sum * tokens + (token << 2));
  return PAIRS ? i16x8.shl(sums, shift) : i32x4.shl(sums, shift);
}

/** twoDots for one token of a tile whose columns are at `q1` and `q2`. */
@inline
export function tileDots(q1: usize, w1: v128, q2: usize, w2: v128, token: i32, acc: v128): v128 {
  const t = token * FOUR;
  return twoDots(four(q1 + t), odd(q1 + t), w1, four(q2 + t), odd(q2 + t), w2, acc);
}

/** `offset` in sums of 32 bits, also where the activations' sums are pairs. */
@inline
export function wordOffset(tokens: i32, x: usize, token: i32, shift: i32): v128 {
  const sums = v128.load32_splat(x + SUM * tokens + (token << 2));
  return i32x4.shl(PAIRS ? i32x4.extadd_pairwise_i16x8_s(sums) : sums, shift);
}

// Columns of a tile as words, of every four the even ones and the odd ones apart.
//
//   baseline build   where they are in the tile: 8 bytes to a token, even ones first
//   build of pairs   made from its bytes for one group: 16 bytes with a lane for each token, then 16 with the odd ones

/** The words of the tile's group at `x`, which may be put at `to`. */
@inline
export function tileOfWords(tokens: i32, to: usize, x: usize): usize {
  let q = x + Q * tokens;
  if (!PAIRS) return q;
  for (let at = 0; at < 256; at += 32) {
    const bytes = tokenLanes(tokens, q);
    v128.store(to + at, i16x8.shr_s(i16x8.shl(bytes, 8), 8));
    v128.store(to + at, i16x8.shr_s(bytes, 8), 16);
    q += FOUR * tokens;
  }
  return to;
}

/** From one step of four columns to the next. */
@inline
export function wordsStep(tokens: i32): i32 {
  return PAIRS ? 32 : FOUR * tokens;
}

/** Where a step has a token's even columns (`odds` 0) or odd ones (1). */
@inline
export function wordsAt(tokens: i32, token: i32, odds: i32): i32 {
  if (!PAIRS) return token * FOUR + 4 * odds;
  return (odds << 4) + ((tokens == 3 ? token + 1 : token) << 2);
}

@inline
export function addWords(acc: v128, words: v128, w: v128): v128 {
  return i32x4.add(acc, i32x4.dot_i16x8_s(words, w));
}

/** Four columns of each token in a lane; of three tokens, in the last three. */
@inline
function tokenLanes(tokens: i32, q: usize): v128 {
  if (tokens == 2) return v128.load64_zero(q);
  return v128.load(tokens == 3 ? q - 4 : q);
}
