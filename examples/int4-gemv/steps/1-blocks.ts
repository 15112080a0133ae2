// Step 1: WebAssembly; each block is decoded, then multiplied.
//
//   18 bytes of W ──▶ 32 float32 in scratch ──▶ · 32 float32 of x
//
// Two simple loops instead of one that does everything: d is converted once for 32 weights, and no index needs a division. But
// every weight goes through memory as a float32, eight times its size, and numbers are multiplied one at a time.
import { half } from "./half";

const SCRATCH: usize = 0; // 128 bytes

export function gemv(y: usize, w: usize, x: usize, rows: i32, cols: i32): void {
  for (let r = 0; r < rows; r++) {
    let sum: f32 = 0;
    for (let c = 0; c < cols; c += 32) {
      const d = half(w);
      for (let i = 0; i < 16; i++) {
        const byte = <i32>load<u8>(w + 2 + i);
        store<f32>(SCRATCH + (i << 2), d * <f32>((byte & 15) - 8));
        store<f32>(SCRATCH + (i << 2), d * <f32>((byte >> 4) - 8), 64);
      }
      for (let i = 0; i < 32; i++) sum += load<f32>(SCRATCH + (i << 2)) * load<f32>(x + ((c + i) << 2));
      w += 18;
    }
    store<f32>(y + (r << 2), sum);
  }
}
