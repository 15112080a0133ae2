// Rotary position embedding over the halves of each head, as Hugging Face pairs them.
import { cos, sin } from "./float";

/** y, x f32[rows, cols]; frequency f32[half], 2 · half the width of a head; row t stands at start + t. factor: of cos, sin. */
export function rope(
  y: usize,
  x: usize,
  frequency: usize,
  factor: f32,
  rows: i32,
  cols: i32,
  half: i32,
  start: i32,
): void {
  for (let t = 0; t < rows; t++) {
    for (let j = 0; j < half; j++) {
      const angle: f32 = <f32>(start + t) * load<f32>(frequency + (j << 2));
      const c = <f32>cos(<f64>angle) * factor;
      const s = <f32>sin(<f64>angle) * factor;
      for (let i = j; i < cols; i += half << 1) {
        const a = load<f32>(x + (i << 2));
        const b = load<f32>(x + ((i + half) << 2));
        store<f32>(y + (i << 2), a * c - b * s);
        store<f32>(y + ((i + half) << 2), b * c + a * s);
      }
    }
    x += cols << 2;
    y += cols << 2;
  }
}
