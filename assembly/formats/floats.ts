// F32, F16 and BF16: one weight to a block. F32 needs no decoding.
//
//   F16  2 bytes, see f16.ts      BF16  2 bytes, the upper half of an F32
import { loadF16 } from "../f16";

export const F32: i32 = 0;
export const F16: i32 = 1;
export const BF16: i32 = 30;

export function decodeF16(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i++) store<f32>(to + (i << 2), loadF16(from + (i << 1)));
}

export function decodeBF16(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 4) {
    v128.store(to + (i << 2), i32x4.shl(v128.load16x4_u(from + (i << 1)), 16));
  }
}
