// Weights in the order in which the kernels read them; they are repacked once, at load. A strip is 8 whole rows, a group 32
// columns of a strip. A strip is its groups from left to right, each of them, or every eighth, after a header of scales.
//
// A group holds the low four bits of its weights as 8 vectors of 16 bytes. Vector 2k has rows 0 … 3, vector 2k + 1 rows
// 4 … 7, with 4 bytes for each row: columns 4k … 4k + 3 in the low nibbles, columns 16 + 4k … in the high ones.
//
//   byte  0                    16                   32                        127
//         ├─ k 0, rows 0 … 3 ──┼─ k 0, rows 4 … 7 ──┼─ k 1, rows 0 … 3 ─ …  ─────┤  = 128 bytes, "nibbles" in q4_0.ts …
//
// So eight rows share each activation that is loaded, and their sums end up in two registers without a horizontal add.
import { Q4_0 } from "../formats/q4";
import { Q4_K, Q5_K } from "../formats/q4_k";
import { Q6_K } from "../formats/q6_k";
import { Q8_0 } from "../formats/q8_0";
import { loadF16 } from "../f16";
import * as q4_0 from "./q4_0";
import * as q4_k from "./q4_k";
import * as q6_k from "./q6_k";
import * as q8_0 from "./q8_0";
import { TILE_SUMS } from "./sums";

/** Rows of a strip. */
export const STRIP_ROWS: i32 = 8;

/** Groups that share a header, which holds d (and dmin) of a block: 32 columns, or 256. */
@inline
function groupsPerHeader(format: i32): i32 {
  return format == Q4_0 || format == Q8_0 ? 1 : 8;
}

@inline
function headerBytes(format: i32): i32 {
  switch (format) {
    case Q4_0:
      return q4_0.HEADER_BYTES;
    case Q8_0:
      return q8_0.HEADER_BYTES;
    case Q4_K:
    case Q5_K:
      return q4_k.HEADER_BYTES;
    case Q6_K:
      return q6_k.HEADER_BYTES;
    default:
      return 0;
  }
}

/** Bytes of one group, without the header. */
@inline
function groupBytes(format: i32): i32 {
  switch (format) {
    case Q4_0:
      return q4_0.GROUP_BYTES;
    case Q8_0:
      return q8_0.GROUP_BYTES;
    case Q4_K:
    case Q5_K:
      return q4_k.groupBytes(format);
    case Q6_K:
      return q6_k.GROUP_BYTES;
    default:
      return 0;
  }
}

/** Bytes of a strip; 0 for a format that is not packed, as it has no integer dot product. */
export function stripBytes(format: i32, cols: i32): i32 {
  const groups = cols >> 5;
  return (groups / groupsPerHeader(format)) * headerBytes(format) + groups * groupBytes(format);
}

/**
 * Packs strips [begin, end), each 8 rows of blocks at `from` (laid out as in the file, `rowBytes` to a row), to their places
 * from `to`. Where one has a scale that is infinite or NaN, i32 `bad` becomes 1; such a strip would read as numbers.
 */
export function packRows(
  format: i32,
  to: usize,
  from: usize,
  cols: i32,
  rowBytes: i32,
  bad: usize,
  begin: i32,
  end: i32,
): void {
  const packed = stripBytes(format, cols);
  to += <usize>begin * packed;
  from += <usize>begin * STRIP_ROWS * rowBytes;
  let found = i16x8.splat(0);
  for (let strip = begin; strip < end; strip++) {
    found = v128.or(found, packStrip(format, to, from, cols, rowBytes));
    to += packed;
    from += STRIP_ROWS * rowBytes;
  }
  // Several threads may write it, all the same.
  if (v128.any_true(found)) store<i32>(bad, 1);
}

@inline
function packStrip(format: i32, to: usize, from: usize, cols: i32, rowBytes: i32): v128 {
  if (format == Q4_0) return q4_0.packQ4_0(to, from, cols, rowBytes);
  if (format == Q8_0) return q8_0.packQ8_0(to, from, cols, rowBytes);
  if (format == Q6_K) return q6_k.packQ6_K(to, from, cols, rowBytes);
  return q4_k.packQ4_K(format, to, from, cols, rowBytes);
}

/** Decodes row `row` of packed weights to f32[cols] at `to`: the same values as from the blocks of the file. */
export function unpackRow(format: i32, to: usize, w: usize, row: i32, cols: i32): void {
  w += <usize>(row >> 3) * stripBytes(format, cols);
  row &= 7;
  const perHeader = groupsPerHeader(format);
  for (let g = 0; g < cols >> 5; g += perHeader) {
    const d = perHeader == 1 ? loadF16(w + (row << 1)) : load<f32>(w + (row << 2));
    const dmin: f32 = format == Q4_K || format == Q5_K ? load<f32>(w + 32 + (row << 2)) : 0;
    w += headerBytes(format);
    for (let j = 0; j < perHeader; j++) {
      for (let c = 0; c < 32; c++) store<f32>(to + (c << 2), valueOf(format, w, row, c, d, dmin));
      w += groupBytes(format);
      to += 128;
    }
  }
}

@inline
function valueOf(format: i32, group: usize, row: i32, c: i32, d: f32, dmin: f32): f32 {
  if (format == Q4_0) return q4_0.valueQ4_0(group, row, c, d);
  if (format == Q8_0) return q8_0.valueQ8_0(group, row, c, d);
  if (format == Q6_K) return q6_k.valueQ6_K(group, row, c, d);
  return q4_k.valueQ4_K(format, group, row, c, d, dmin);
}

/**
 * y1[r] = Σ W[r, c] · x[c] for the 8 rows of the strip at `w1`, and y2 for those at `w2`; x as in int8-activations.ts.
 *
 * Σ is the integer product of the weights' bits and q over a group, exact. From there on it is float32, group by group from
 * left to right. d, dmin, scale and min are the weights', as formats/ draws them; xScale and sum are the activations':
 *   Q4_0, Q8_0   y += (d · xScale) · Σ
 *   Q4_K, Q5_K   y += (d · xScale) · (scale · Σ) − (dmin · xScale) · (min · sum)
 *   Q6_K         y += (d · xScale) · (scale · Σ) over columns 0 … 15, then the same over 16 … 31
 */
@inline
export function multiplyStrips(format: i32, y1: usize, y2: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  if (format == Q4_0) q4_0.gemvQ4_0(y1, y2, w1, w2, x, cols);
  else if (format == Q8_0) q8_0.gemvQ8_0(y1, y2, w1, w2, x, cols);
  else if (format == Q4_K) q4_k.gemvQ4_K(Q4_K, y1, y2, w1, w2, x, cols);
  else if (format == Q5_K) q4_k.gemvQ4_K(Q5_K, y1, y2, w1, w2, x, cols);
  else q6_k.gemvQ6_K(y1, y2, w1, w2, x, cols);
}

/**
 * z[t, r] = Σ W[r, c] · x[t, c] for the 8 rows of the strip at `w1` and the tokens of the tile at `x`, 2 to 4, then the same
 * for the strip at `w2`. Each row, group and token has the same expression as above, so a token's bits do not depend on how
 * many tokens run beside it.
 *
 * z  TILE_SCRATCH bytes, 16-aligned: f32[2, 4, 8] first        x  cols / 32 blocks of so many tokens
 */
export function multiplyTile(format: i32, tokens: i32, z: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  memory.fill(z, 0, TILE_SUMS);
  // A loop for each number of tokens, as the sums have to stay in registers.
  if (tokens == 2) tileOfTwo(format, z, w1, w2, x, cols);
  else if (tokens == 3) tileOfThree(format, z, w1, w2, x, cols);
  else tileOfFour(format, z, w1, w2, x, cols);
}

function tileOfTwo(format: i32, z: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  tileOf(2, format, z, w1, w2, x, cols);
}

function tileOfThree(format: i32, z: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  tileOf(3, format, z, w1, w2, x, cols);
}

function tileOfFour(format: i32, z: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  tileOf(4, format, z, w1, w2, x, cols);
}

@inline
function tileOf(tokens: i32, format: i32, z: usize, w1: usize, w2: usize, x: usize, cols: i32): void {
  if (format == Q4_0) q4_0.tileQ4_0(tokens, z, w1, w2, x, cols);
  else if (format == Q8_0) q8_0.tileQ8_0(tokens, z, w1, w2, x, cols);
  else if (format == Q4_K) q4_k.tileQ4_K(Q4_K, tokens, z, w1, w2, x, cols);
  else if (format == Q5_K) q4_k.tileQ4_K(Q5_K, tokens, z, w1, w2, x, cols);
  else q6_k.tileQ6_K(tokens, z, w1, w2, x, cols);
}
