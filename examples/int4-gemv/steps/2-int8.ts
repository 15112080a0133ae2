// Step 2: activations in int8, so that integers are multiplied and added.
//
//   Σ d · (n − 8) · scale · q  =  d · scale · Σ (n − 8) · q
//
// Within a block both factors are small integers, and their sum is exact in 32 bits. The two scales are applied once for 32
// columns. Nothing in between is converted to float32 or stored. Rounding x costs accuracy: about half a percent of a
// product. llama.cpp makes the same trade.
import { X_BYTES } from "./activations";
import { half } from "./half";

export { quantize } from "./activations";

export function gemv(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  for (let r = 0; r < rows; r++) {
    let sum: f32 = 0;
    let block = x;
    for (let c = 0; c < cols; c += 32) {
      let integer = 0;
      for (let i = 0; i < 16; i++) {
        const byte = <i32>load<u8>(w + 2 + i);
        integer += ((byte & 15) - 8) * <i32>load<i8>(block + 8 + i);
        integer += ((byte >> 4) - 8) * <i32>load<i8>(block + 24 + i);
      }
      sum += half(w) * load<f32>(block) * <f32>integer;
      w += 18;
      block += X_BYTES;
    }
    store<f32>(y + (r << 2), sum);
  }
}
