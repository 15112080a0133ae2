// How the integer sums of a group are added to the float32 sums of a row: in registers for one token, in memory for a tile.
//
// A tile is the activations of 2, 3 or 4 tokens. Times a strip it gives 8 rows × 4 tokens at most: 8 vectors of integer sums,
// which stay in registers for one group. The float32 sums are kept in scratch memory, because with 8 more vectors the
// registers would spill: 347 to 363 GOPS instead of 268 to 292 (two threads of a Zen 5, V8 13.6).
import { FOUR, four, odd, PAIRS, twoDots } from "../int8-activations";

/** Tokens of a tile, at most. */
export const TILE_TOKENS: i32 = 4;
/** Bytes of the float32 sums of 8 rows × 4 tokens. */
export const STRIP_SUMS: i32 = 128;
/** Bytes of scratch: the sums of two strips. */
export const TILE_SCRATCH: i32 = 2 * STRIP_SUMS;

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
