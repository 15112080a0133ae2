// Step 6: eight rows side by side.
//
//   byte  0            16                   32                        144
//         ├─ 8 × d f16 ┼─ rows 0 … 3 ──────┼─ rows 4 … 7 ──────┼─ … ─┤       8 rows × 32 columns
//                       each 4 bytes: columns 4k … 4k + 3 in the low nibbles, 16 + 4k … in the high ones
//
// So far each block ended with adding four lanes of one register, converting one scale and multiplying one number. Rows are
// now packed like this once, when the file is loaded; not a byte is added. A lane belongs to a row: the four sums of a register
// are those of four rows, the scales of four rows are one load, and lanes are never added to each other. Four columns of x,
// repeated in every lane, serve eight rows.
import { X_BYTES } from "./activations";

export { quantize } from "./activations";
export { pack } from "./pack";

const STRIP: i32 = 8;

export function gemv(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  const fifteen = i8x16.splat(15);
  for (let r = 0; r < rows; r += STRIP) {
    let first = f32x4.splat(0);
    let second = f32x4.splat(0);
    let block = x;
    for (let c = 0; c < cols; c += 32) {
      let s = i32x4.splat(-8 * load<i32>(block, 4));
      let t = s;
      for (let k = 0; k < 4; k++) {
        const low = v128.load32_splat(block + 8 + (k << 2));
        const high = v128.load32_splat(block + 24 + (k << 2));
        const m = v128.load(w + (k << 5), 16);
        const n = v128.load(w + (k << 5), 32);
        s = i32x4.relaxed_dot_i8x16_i7x16_add_s(low, v128.and(m, fifteen), s);
        t = i32x4.relaxed_dot_i8x16_i7x16_add_s(low, v128.and(n, fifteen), t);
        s = i32x4.relaxed_dot_i8x16_i7x16_add_s(high, i8x16.shr_u(m, 4), s);
        t = i32x4.relaxed_dot_i8x16_i7x16_add_s(high, i8x16.shr_u(n, 4), t);
      }
      const scale = v128.load32_splat(block);
      first = f32x4.add(first, f32x4.mul(f32x4.mul(halves(w), scale), f32x4.convert_i32x4_s(s)));
      second = f32x4.add(second, f32x4.mul(f32x4.mul(halves(w + 8), scale), f32x4.convert_i32x4_s(t)));
      w += 144;
      block += X_BYTES;
    }
    v128.store(y + (r << 2), first, 0);
    v128.store(y + (r << 2), second, 16);
  }
}

/** Four halves as float32; see half.ts. */
@inline
function halves(address: usize): v128 {
  const bits = i32x4.extend_low_i16x8_u(v128.load64_zero(address));
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  const size = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  return f32x4.mul(v128.or(sign, size), f32x4.splat(reinterpret<f32>(0x77800000)));
}
