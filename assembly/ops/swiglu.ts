// silu(gate) · up, silu(a) = a · sigmoid(a).
import { sigmoid4 } from "../float";
import { BLOCK_LENGTH, quantize } from "../int8-activations";

/** y, gate, up f32[n]; numbers [begin, end), multiples of 4. */
export function swiglu(y: usize, gate: usize, up: usize, begin: i32, end: i32): void {
  for (let i = <usize>begin << 2; i < <usize>end << 2; i += 16) {
    const a = v128.load(gate + i);
    v128.store(y + i, f32x4.mul(f32x4.mul(a, sigmoid4(a)), v128.load(up + i)));
  }
}

/** The same for blocks [begin, end) of numbers, which are then made int8 as well, from a cache that still has them. */
export function swigluInt8(int8: usize, y: usize, gate: usize, up: usize, begin: i32, end: i32): void {
  for (let block = begin; block < end; block++) {
    swiglu(y, gate, up, block * BLOCK_LENGTH, (block + 1) * BLOCK_LENGTH);
    quantize(int8, y, block, block + 1);
  }
}
