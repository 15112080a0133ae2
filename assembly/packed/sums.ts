// How integer sums of a group join the float32 sums of a row: in registers for one token, in memory for a tile of four.
//
// A tile is 8 rows × 4 tokens: 8 integer sums live in registers while a group of 32 columns passes. The float32 sums wait
// in scratch memory, because 8 more registers would spill. That was worth 347 to 363 GOPS instead of 268 to 292 (two
// threads of a Zen 5 under V8 13.6).
import { Q } from "../int8-activations";

/** Tokens of a tile. */
export const TILE_TOKENS: i32 = 4;
/** Bytes of scratch: float32 sums of 8 rows × 4 tokens. */
export const TILE_SCRATCH: i32 = 128;

/** Tokens of a tile follow one another in it, number by number: see packTile in int8-activations.ts. */
export const SUM: i32 = 16;
export const LOW_SUM: i32 = 32;
export const HIGH_SUM: i32 = 48;
export const TILE_Q: i32 = Q << 2;

/** acc + (d · scale) · Σ for four rows. */
@inline
export function addScaled(acc: v128, d: v128, scale: v128, sum: v128): v128 {
  return f32x4.add(acc, f32x4.mul(f32x4.mul(d, scale), f32x4.convert_i32x4_s(sum)));
}

/** z[token] += (d · scale) · Σ for 8 rows, whose scales are d0 and d1. */
@inline
export function addTile(z: usize, token: i32, x: usize, d0: v128, d1: v128, a: v128, b: v128): void {
  const scale = v128.load32_splat(x + (token << 2));
  const at = z + (token << 5);
  v128.store(at, f32x4.add(v128.load(at), f32x4.mul(f32x4.mul(d0, scale), f32x4.convert_i32x4_s(a))));
  v128.store(at, f32x4.add(v128.load(at, 16), f32x4.mul(f32x4.mul(d1, scale), f32x4.convert_i32x4_s(b))), 16);
}

/** −factor · a sum of the tile's blocks. */
@inline
export function offset(x: usize, sum: i32, token: i32, shift: i32): v128 {
  return i32x4.shl(i32x4.neg(v128.load32_splat(x + sum + (token << 2))), shift);
}
