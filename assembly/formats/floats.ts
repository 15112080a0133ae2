// F32, F16 and BF16: one weight to a block.
//
//   F16  2 bytes, see f16.ts      BF16  2 bytes, the upper half of an F32
import { HALVES_MASK, HALVES_SCALE, loadHalves } from "../f16";

export const F32: i32 = 0;
export const F16: i32 = 1;
export const BF16: i32 = 30;

export function decodeF32(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols << 2; i += 16) v128.store(to + i, v128.load(from + i));
}

/** Constants are in registers: see f16.ts. */
export function decodeF16(to: usize, from: usize, cols: i32): void {
  const mask = i32x4.splat(HALVES_MASK);
  const scale = i32x4.splat(HALVES_SCALE);
  const highest = i32x4.splat(HALVES_MASK & 0x0f800000);
  const infinity = i32x4.splat(HALVES_SCALE | 0x7f800000);
  for (let i = 0; i < cols; i += 4) {
    v128.store(to + (i << 2), halvesToF32(from + (i << 1), mask, scale, highest, infinity));
  }
}

/** Four f16 as float32: exact, subnormals, infinities and NaN included, whose exponent is the highest. */
@inline
function halvesToF32(from: usize, mask: v128, scale: v128, highest: v128, infinity: v128): v128 {
  const small = loadHalves(from, mask);
  const isSpecial = i32x4.eq(v128.and(small, highest), highest);
  return v128.or(f32x4.mul(small, scale), v128.and(isSpecial, infinity));
}

export function decodeBF16(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 4) {
    v128.store(to + (i << 2), i32x4.shl(v128.load16x4_u(from + (i << 1)), 16));
  }
}

/** The first four of eight BF16 as float32. */
@inline
export function firstBF16(eight: v128): v128 {
  return i16x8.shuffle(i32x4.splat(0), eight, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** The last four. */
@inline
export function lastBF16(eight: v128): v128 {
  return i16x8.shuffle(i32x4.splat(0), eight, 4, 12, 5, 13, 6, 14, 7, 15);
}
