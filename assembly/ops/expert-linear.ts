// linear with the matrices of the chosen experts. Choices are grouped by expert, so that each matrix is read once.
import { multiplyRows } from "../float-product";
import { BLOCK_BYTES, packTile } from "../int8-activations";
import { multiplyTile, stripBytes } from "../packed/formats";
import { gemv } from "./gemv";

/**
 * Sorts the choices by expert (counting sort, ascending within an expert). A choice is one expert of one token.
 *
 * ids     i32[choices], each in [0, experts)
 * begins  i32[experts + 1]: the choices of expert e are order[begins[e]] … order[begins[e + 1] − 1]
 * order   i32[choices]: indices into ids
 */
export function groupByExpert(ids: usize, choices: i32, experts: i32, begins: usize, order: usize): void {
  memory.fill(begins, 0, (<usize>(experts + 1)) << 2);
  // First begins[e + 1] is the count of e. Summed up, begins[e] is where e starts. Placing moves it on to where e ends.
  for (let i = 0; i < choices; i++) {
    const count = begins + (load<u32>(ids + (i << 2)) << 2);
    store<i32>(count, load<i32>(count, 4) + 1, 4);
  }
  for (let e = 1; e <= experts; e++) {
    const at = begins + (e << 2);
    store<i32>(at, load<i32>(at) + load<i32>(at - 4));
  }
  for (let i = 0; i < choices; i++) {
    const at = begins + (load<u32>(ids + (i << 2)) << 2);
    const place = load<i32>(at);
    store<i32>(order + (place << 2), i);
    store<i32>(at, place + 1);
  }
  // Each entry is now the start of the next expert: move all back by one.
  memory.copy(begins + 4, begins, (<usize>experts) << 2);
  store<i32>(begins, 0);
}

/**
 * y[i, r] = Σ W[ids[i], r, c] · x[i / perRow, c], i over the choices, float32 activations. The rows of all chosen experts are
 * numbered through; begin … end − 1 are computed. So a thread's range is a few long stretches of memory.
 *
 * y  f32[choices, rows]             w  experts × (rows × rowBytes) bytes
 * x  f32[choices / perRow, cols]: perRow choices share a row of x
 * begins, order  as groupByExpert leaves them
 * scratch  floatScratch(cols, the most choices of an expert) bytes
 */
export function expertLinear(
  format: i32,
  y: usize,
  w: usize,
  x: usize,
  perRow: i32,
  experts: i32,
  begins: usize,
  order: usize,
  rows: i32,
  cols: i32,
  rowBytes: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  let row0 = 0; // number of the expert's first row
  for (let e = 0; e < experts && row0 < end; e++) {
    const first = load<i32>(begins + (e << 2));
    const count = load<i32>(begins + (e << 2), 4) - first;
    if (count == 0) continue;
    const weights = w + <usize>(e * rows) * rowBytes;
    const list = order + (<usize>first << 2);
    const from = max(begin - row0, 0);
    const to = min(end - row0, rows);
    multiplyRows(format, y, weights, x, perRow, list, count, rows, cols, rowBytes, from, to, scratch);
    row0 += rows;
  }
}

/**
 * Makes tiles of each expert's choices, four to a tile, in the order of the experts; the last choices of an expert, fewer
 * than four, get no tile. Tiles are numbered through; begin … end − 1 are written.
 */
export function packExpertTiles(
  tiles: usize,
  x: usize,
  perRow: i32,
  experts: i32,
  begins: usize,
  order: usize,
  cols: i32,
  begin: i32,
  end: i32,
): void {
  const blocks = cols >> 5;
  const row = <usize>(blocks * BLOCK_BYTES);
  let number = 0;
  for (let e = 0; e < experts; e++) {
    const last = load<i32>(begins + (e << 2), 4);
    for (let i = load<i32>(begins + (e << 2)); i + 4 <= last; i += 4) {
      if (number >= begin && number < end) {
        const at = order + (i << 2);
        packTile(
          tiles + <usize>(number << 2) * row,
          x + <usize>(load<i32>(at) / perRow) * row,
          x + <usize>(load<i32>(at, 4) / perRow) * row,
          x + <usize>(load<i32>(at, 8) / perRow) * row,
          x + <usize>(load<i32>(at, 12) / perRow) * row,
          blocks,
        );
      }
      number++;
    }
  }
}

/**
 * expertLinear with int8 activations: packed weights, experts × strips; x blocks [choices / perRow, cols / 32]; tiles as
 * packExpertTiles leaves them; begin and end are multiples of 8.
 */
export function expertLinearPacked(
  format: i32,
  y: usize,
  w: usize,
  x: usize,
  tiles: usize,
  perRow: i32,
  experts: i32,
  begins: usize,
  order: usize,
  rows: i32,
  cols: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const rowBytes = <usize>((cols >> 5) * BLOCK_BYTES);
  const strip = <usize>stripBytes(format, cols);
  let row0 = 0; // number of the expert's first row
  for (let e = 0; e < experts && row0 < end; e++) {
    const first = load<i32>(begins + (e << 2));
    const last = load<i32>(begins + (e << 2), 4);
    if (first == last) continue;
    const from = max(begin - row0, 0);
    const to = min(end - row0, rows);
    row0 += rows;
    const whole = first + ((last - first) & ~3);
    const own = tiles;
    tiles += <usize>(whole - first) * rowBytes;
    if (from >= to) continue;
    const weights = w + <usize>(e * (rows >> 3)) * strip;
    if (whole > first) {
      for (let r = from; r < to; r += 8) {
        let at = own;
        for (let i = first; i < whole; i += 4) {
          multiplyTile(format, scratch, weights + <usize>(r >> 3) * strip, at, cols);
          for (let k = 0; k < 4; k++) {
            const sums = scratch + (k << 5);
            const out = y + (<usize>(load<i32>(order + ((i + k) << 2)) * rows + r) << 2);
            v128.store(out, v128.load(sums), 0);
            v128.store(out, v128.load(sums, 16), 16);
          }
          at += rowBytes << 2;
        }
      }
    }
    for (let i = whole; i < last; i++) {
      const choice = load<i32>(order + (i << 2));
      gemv(format, y + (<usize>(choice * rows) << 2), weights, x + <usize>(choice / perRow) * rowBytes, cols, from, to);
    }
  }
}
