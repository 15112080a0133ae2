// silu(gate) · up, silu(a) = a · sigmoid(a).
import { sigmoidOf } from "./float";

export function swiglu(y: usize, gate: usize, up: usize, n: i32): void {
  for (let i = 0; i < n << 2; i += 4) {
    const a = load<f32>(gate + i);
    store<f32>(y + i, a * sigmoidOf(a) * load<f32>(up + i));
  }
}
