// Step 5: one instruction for sixteen products.
//
//   i32x4.relaxed_dot_i8x16_i7x16_add_s:   4 × int32  +=  16 × int8 · 16 × int7, four neighbours to a lane
//
// This is vpdpbusd on x86 with AVX-VNNI and sdot on ARM. It is "relaxed" because machines differ where the second operand has
// its eighth bit set: some read a signed byte, others an unsigned one. Nibbles from 0 to 15 never have that bit, so the result
// is the same everywhere; with weights from −8 to 7 it would not be. Nothing is widened any more: two instructions multiply
// a whole block.
import { X_BYTES } from "./activations";
import { half } from "./half";

export { quantize } from "./activations";

export function gemv(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  const fifteen = i8x16.splat(15);
  for (let r = 0; r < rows; r++) {
    let sum: f32 = 0;
    let block = x;
    for (let c = 0; c < cols; c += 32) {
      const bytes = v128.load(w, 2);
      let sums = i32x4.splat(0);
      sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(block, 8), v128.and(bytes, fifteen), sums);
      sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(block, 24), i8x16.shr_u(bytes, 4), sums);
      sum += half(w) * load<f32>(block) * <f32>(across(sums) - 8 * load<i32>(block, 4));
      w += 18;
      block += X_BYTES;
    }
    store<f32>(y + (r << 2), sum);
  }
}

@inline
function across(x: v128): i32 {
  return i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1) + i32x4.extract_lane(x, 2) + i32x4.extract_lane(x, 3);
}
