// y = W · x for several tokens: packed weights times int8 activations, in tiles of two to four tokens and 8 rows.
//
// Weights that were unpacked once serve the tokens of a tile, and a strip that was read from memory serves all tiles. As in
// gemv.ts, a thread reads its rows as two streams.
import { choice } from "../float-tiles";
import { BLOCK_BYTES, packTileRow } from "../int8-activations";
import { multiplyTile, stripBytes } from "../packed/formats";
import { STRIP_SUMS, TILE_TOKENS } from "../packed/sums";

/** Bytes of a row of activations, beside others in a tile as well. */
@inline
export function activationRow(cols: i32): usize {
  return <usize>((cols >> 5) * BLOCK_BYTES);
}

/**
 * The first token of a tile. Tokens are shared out as evenly as they can be, so that none is left alone: weights unpacked for
 * one token cost half as much again as for two (Q4_0, one thread of a Zen 5).
 */
@inline
function tileStart(tile: i32, count: i32, tiles: i32): i32 {
  return tile * (count / tiles) + min(tile, count % tiles);
}

@inline
function tilesOf(count: i32): i32 {
  return (count + TILE_TOKENS - 1) / TILE_TOKENS;
}

/**
 * Copies tokens [begin, end) of `count` into tiles.
 *
 * tiles  as many rows as tokens        x  blocks [… / perRow, cols / 32]
 * Token i is row order[i] / perRow of x, or row i if order is 0.
 */
export function packTokens(
  tiles: usize,
  x: usize,
  perRow: i32,
  order: usize,
  count: i32,
  cols: i32,
  begin: i32,
  end: i32,
): void {
  const row = activationRow(cols);
  const number = tilesOf(count);
  for (let tile = 0; tile < number; tile++) {
    const first = tileStart(tile, count, number);
    const last = tileStart(tile + 1, count, number);
    const to = tiles + <usize>first * row;
    for (let i = max(first, begin); i < min(last, end); i++) {
      packTileRow(to, last - first, i - first, x + <usize>(choice(order, i) / perRow) * row, cols >> 5);
    }
  }
}

/**
 * y[order[i], r] = Σ W[r, c] · x[i, c] for r in [begin, end), both multiples of 8, and `count` tokens, two or more.
 *
 * y  f32[…, rows]        w  packed strips of 8 rows        tiles  as packTokens leaves them
 * scratch  TILE_SCRATCH bytes
 */
export function gemm(
  format: i32,
  y: usize,
  w: usize,
  tiles: usize,
  order: usize,
  count: i32,
  rows: i32,
  cols: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const row = activationRow(cols);
  const strip = <usize>stripBytes(format, cols);
  const strips = (end - begin) >> 3;
  const half = (strips + 1) >> 1;
  const number = tilesOf(count);
  w += <usize>(begin >> 3) * strip;
  y += <usize>begin << 2;
  for (let s = 0; s < half; s++) {
    // With an odd number of strips, the last call computes the same strip in both streams.
    const t = min(s + half, strips - 1);
    for (let tile = 0; tile < number; tile++) {
      const first = tileStart(tile, count, number);
      const last = tileStart(tile + 1, count, number);
      const at = tiles + <usize>first * row;
      multiplyTile(format, last - first, scratch, w + <usize>s * strip, w + <usize>t * strip, at, cols);
      for (let i = first; i < last; i++) {
        const to = y + (<usize>(choice(order, i) * rows) << 2);
        const sums = scratch + (<usize>(i - first) << 5);
        copyRows(to + (<usize>s << 5), sums);
        copyRows(to + (<usize>t << 5), sums + STRIP_SUMS);
      }
    }
  }
}

/** Eight results. */
@inline
function copyRows(to: usize, from: usize): void {
  v128.store(to, v128.load(from), 0);
  v128.store(to, v128.load(from, 16), 16);
}
