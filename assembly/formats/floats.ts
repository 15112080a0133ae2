// F32, F16 and BF16: one weight to a block.
//
//   F16  2 bytes, see f16.ts      BF16  2 bytes, the upper half of an F32
import { halvesToF32, HALVES_MASK } from "../f16";

export const F32: i32 = 0;
export const F16: i32 = 1;
export const BF16: i32 = 30;

export function decodeF32(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols << 2; i += 16) v128.store(to + i, v128.load(from + i));
}

export function decodeF16(to: usize, from: usize, cols: i32): void {
  const mask = i32x4.splat(HALVES_MASK);
  for (let i = 0; i < cols; i += 4) {
    v128.store(to + (i << 2), halvesToF32(v128.load16x4_s(from + (i << 1)), mask));
  }
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
