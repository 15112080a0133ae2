// Rotary position embedding over the halves of each head, as Hugging Face pairs them.
import { cos, sin } from "../float";

/** y f32[rows, 2, half]: the cosines of a row, then its sines, times factor; positions i32[rows], frequency f32[half]. */
export function ropeAngles(y: usize, positions: usize, frequency: usize, factor: f32, rows: i32, half: i32): void {
  for (let t = 0; t < rows; t++) {
    const position = <f32>load<i32>(positions + (t << 2));
    for (let j = 0; j < half; j++) {
      const angle: f32 = position * load<f32>(frequency + (j << 2));
      store<f32>(y + (j << 2), <f32>cos(<f64>angle) * factor);
      store<f32>(y + ((half + j) << 2), <f32>sin(<f64>angle) * factor);
    }
    y += half << 3;
  }
}

/** y, x f32[rows, cols]; angles as ropeAngles leaves them; a head is 2 · half columns wide. */
export function rope(y: usize, x: usize, angles: usize, rows: i32, cols: i32, half: i32): void {
  for (let t = 0; t < rows; t++) {
    for (let j = 0; j < half; j++) {
      const c = load<f32>(angles + (j << 2));
      const s = load<f32>(angles + ((half + j) << 2));
      for (let i = j; i < cols; i += half << 1) {
        const a = load<f32>(x + (i << 2));
        const b = load<f32>(x + ((i + half) << 2));
        store<f32>(y + (i << 2), a * c - b * s);
        store<f32>(y + ((i + half) << 2), b * c + a * s);
      }
    }
    angles += half << 3;
    x += cols << 2;
    y += cols << 2;
  }
}
