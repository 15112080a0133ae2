// y = x · Wᵀ: with float32 activations and weights in any block format, or with int8 activations and packed weights.
//
// Kernels that threads share end in the same arguments: begin and end are a thread's part of the work, scratch is its own.
import { multiplyRows } from "../float-product";
import { decodeRow } from "../formats/formats";
import { BLOCK_BYTES, packTile } from "../int8-activations";
import { multiplyTile, stripBytes, unpackRow } from "../packed/formats";
import { TILE_SCRATCH } from "../packed/sums";
import { gemv } from "./gemv";

/**
 * y[t, r] = Σ W[r, c] · x[t, c] for r in [begin, end), float32 activations.
 *
 * y  f32[tokens, rows]        w  blocks, row-major, `rowBytes` to a row        x  f32[tokens, cols]
 * scratch  floatScratch(cols, tokens) bytes
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
  multiplyRows(format, y, w, x, 1, 0, tokens, rows, cols, rowBytes, begin, end, scratch);
}

/**
 * The same with int8 activations; begin and end are multiples of 8.
 *
 * w  packed strips        x  blocks [tokens, cols / 32]        tiles  the same blocks as packTiles leaves them
 * scratch  TILE_SCRATCH bytes
 */
export function linearPacked(
  format: i32,
  y: usize,
  w: usize,
  x: usize,
  tiles: usize,
  tokens: i32,
  rows: i32,
  cols: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const rowBytes = <usize>((cols >> 5) * BLOCK_BYTES);
  const whole = tokens & ~3;
  const strip = <usize>stripBytes(format, cols);
  if (whole > 0) {
    for (let r = begin; r < end; r += 8) {
      const weights = w + <usize>(r >> 3) * strip;
      for (let t = 0; t < whole; t += 4) {
        multiplyTile(format, scratch, weights, tiles + <usize>t * rowBytes, cols);
        let to = y + (<usize>(t * rows + r) << 2);
        for (let i = 0; i < TILE_SCRATCH; i += 32) {
          v128.store(to, v128.load(scratch + i), 0);
          v128.store(to, v128.load(scratch + i, 16), 16);
          to += <usize>rows << 2;
        }
      }
    }
  }
  for (let t = whole; t < tokens; t++) {
    gemv(format, y + (<usize>(t * rows) << 2), w, x + <usize>t * rowBytes, cols, begin, end);
  }
}

/** Copies tokens 4 · begin … 4 · end − 1 of x into tiles of four tokens. */
export function packTiles(tiles: usize, x: usize, cols: i32, begin: i32, end: i32): void {
  const blocks = cols >> 5;
  const row = <usize>(blocks * BLOCK_BYTES);
  for (let t = begin; t < end; t++) {
    const from = x + <usize>(t << 2) * row;
    packTile(tiles + <usize>(t << 2) * row, from, from + row, from + 2 * row, from + 3 * row, blocks);
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
): void {
  for (let t = 0; t < tokens; t++) {
    decodeRow(format, y + (<usize>(t * cols) << 2), w + <usize>load<u32>(ids + (t << 2)) * rowBytes, cols);
  }
}

/** The same for packed weights. */
export function embedPacked(format: i32, y: usize, w: usize, ids: usize, tokens: i32, cols: i32): void {
  for (let t = 0; t < tokens; t++) {
    unpackRow(format, y + (<usize>(t * cols) << 2), w, load<i32>(ids + (t << 2)), cols);
  }
}
