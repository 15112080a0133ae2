// y = x · Wᵀ: with float32 activations and weights in any block format, or with int8 activations and packed weights.
//
// Kernels that threads share end in the same arguments: begin and end are a thread's part of the work, scratch is its own.
import { multiplyRows } from "../float-product";
import { decodeRow } from "../formats/formats";
import { unpackRow } from "../packed/formats";
import { gemm, packTokens } from "./gemm";
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
 * w  packed strips        x  blocks [tokens, cols / 32]        tiles  of two tokens or more, as packTiles leaves them
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
  if (tokens == 1) gemv(format, y, w, x, cols, begin, end);
  else gemm(format, y, w, tiles, 0, tokens, rows, cols, begin, end, scratch);
}

/** Copies rows begin … end − 1 of x into tiles. */
export function packTiles(tiles: usize, x: usize, tokens: i32, cols: i32, begin: i32, end: i32): void {
  packTokens(tiles, x, 1, 0, tokens, cols, begin, end);
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
