// Step 0: three nested loops. y[r] = Σ W[r, c] · x[c], with W in Q4_0 as a GGUF file holds it.
//
//   byte  0       2                     18
//         ├ d f16 ┼─ 16 × two nibbles ──┤       a block: 32 columns of a row
//
// Byte i holds column i in its low nibble, column i + 16 in its high nibble. A weight is d · (n − 8), n from 0 to 15.
export const BLOCK_COLS = 32;
export const BLOCK_BYTES = 18;

export function gemv(w: Uint8Array, x: Float32Array, rows: number): Float32Array {
  const view = new DataView(w.buffer, w.byteOffset, w.byteLength);
  const blocks = x.length / BLOCK_COLS;
  const y = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let b = 0; b < blocks; b++) {
      const at = (r * blocks + b) * BLOCK_BYTES;
      const d = half(view.getUint16(at, true));
      for (let i = 0; i < BLOCK_COLS; i++) {
        const byte = w[at + 2 + (i % 16)];
        const n = i < 16 ? byte & 15 : byte >> 4;
        sum += d * (n - 8) * x[b * BLOCK_COLS + i];
      }
    }
    y[r] = sum;
  }
  return y;
}

/** The value of a half: 5 bits of exponent, 10 of fraction. */
function half(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}
