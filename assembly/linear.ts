// y = x · Wᵀ over any block format, one row of weights at a time against every token.
import { Q8_BYTES } from "./q8";
import { decodedRow, dotF32, dotInt8 } from "./row";

/**
 * y[t, r] = Σ W[r, c] · x[t, c] for r in [begin, end), float32 activations.
 *
 * y  f32[tokens, rows]; only columns [begin, end) are written, so workers share it
 * w  blocks, row-major, `rowBytes` to a row            x  f32[tokens, cols]
 * scratch  f32[cols], one per worker: a decoded row
 *
 * Given (checked once, in src/wasm): cols is a multiple of the block length and of 4; regions are apart.
 */
export function linear(
  format: i32,
  y: usize,
  w: usize,
  x: usize,
  tokens: i32,
  rows: i32,
  cols: i32,
  rowBytes: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  for (let r = begin; r < end; r++) {
    const row = decodedRow(format, w + <usize>r * rowBytes, cols, scratch);
    for (let t = 0; t < tokens; t++) {
      store<f32>(y + ((<usize>(t * rows + r)) << 2), dotF32(row, x + ((<usize>(t * cols)) << 2), cols));
    }
  }
}

/** The same with int8 activations: x is blocks of q8.ts [tokens, cols / 32]. */
export function linearInt8(
  format: i32,
  y: usize,
  w: usize,
  x: usize,
  tokens: i32,
  rows: i32,
  cols: i32,
  rowBytes: i32,
  begin: i32,
  end: i32,
): void {
  const xBytes = (cols >> 5) * Q8_BYTES;
  for (let r = begin; r < end; r++) {
    const row = w + <usize>r * rowBytes;
    for (let t = 0; t < tokens; t++) {
      store<f32>(y + ((<usize>(t * rows + r)) << 2), dotInt8(format, row, x + <usize>(t * xBytes), cols));
    }
  }
}

/** Rows `ids` of W, decoded: y f32[tokens, cols]. */
export function embed(
  format: i32,
  y: usize,
  w: usize,
  ids: usize,
  tokens: i32,
  cols: i32,
  rowBytes: i32,
  scratch: usize,
): void {
  for (let t = 0; t < tokens; t++) {
    const row = decodedRow(format, w + <usize>load<u32>(ids + (t << 2)) * rowBytes, cols, scratch);
    memory.copy(y + ((<usize>(t * cols)) << 2), row, (<usize>cols) << 2);
  }
}
