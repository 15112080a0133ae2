// linear with the matrices of the chosen experts. Choices are grouped by expert, so that each matrix is read once.
import { multiplyRows } from "../float-product";
import { stripBytes } from "../packed/formats";
import { activationRow, gemm, packTokens } from "./gemm";
import { gemv } from "./gemv";

/**
 * Sorts the choices by expert (counting sort, ascending within an expert). A choice is one expert of one token.
 *
 * ids     i32[choices], each in [0, experts)
 * begins  i32[experts + 1]: the choices of expert e are order[begins[e]] … order[begins[e + 1] − 1]
 * order   i32[choices]: indices into ids
 * @returns how many experts are chosen
 */
export function groupByExpert(ids: usize, choices: i32, experts: i32, begins: usize, order: usize): i32 {
  memory.fill(begins, 0, (<usize>(experts + 1)) << 2);
  let chosen = 0;
  // First begins[e + 1] is the count of e. Summed up, begins[e] is where e starts. Placing moves it on to where e ends.
  for (let i = 0; i < choices; i++) {
    const count = begins + (load<u32>(ids + (i << 2)) << 2);
    const before = load<i32>(count, 4);
    if (before == 0) chosen++;
    store<i32>(count, before + 1, 4);
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
  return chosen;
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
 * Copies each expert's choices into tiles of its own, in the order of the experts. An expert's only choice gets none. Choices
 * are numbered as in `order`; begin … end − 1 are copied.
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
  const row = activationRow(cols);
  for (let e = 0; e < experts; e++) {
    const first = load<i32>(begins + (e << 2));
    const count = load<i32>(begins + (e << 2), 4) - first;
    if (count < 2) continue;
    const to = tiles + <usize>first * row;
    packTokens(to, x, perRow, order + (<usize>first << 2), count, cols, begin - first, end - first);
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
  const row = activationRow(cols);
  const strip = <usize>stripBytes(format, cols);
  let row0 = 0; // number of the expert's first row
  for (let e = 0; e < experts && row0 < end; e++) {
    const first = load<i32>(begins + (e << 2));
    const count = load<i32>(begins + (e << 2), 4) - first;
    if (count == 0) continue;
    const from = max(begin - row0, 0);
    const to = min(end - row0, rows);
    row0 += rows;
    if (from >= to) continue;
    const weights = w + <usize>(e * (rows >> 3)) * strip;
    const list = order + (<usize>first << 2);
    if (count == 1) {
      const i = load<i32>(list);
      gemv(format, y + (<usize>(i * rows) << 2), weights, x + <usize>(i / perRow) * row, cols, from, to);
    } else {
      gemm(format, y, weights, tiles + <usize>first * row, list, count, rows, cols, from, to, scratch);
    }
  }
}
