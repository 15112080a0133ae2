// Weights in the order in which kernels read them: groups of 8 rows, 32 columns at a time, repacked once at load.
//
// A group of 8 rows × 32 columns holds the low bits as 8 steps of 16 bytes: step 2k is rows 0 … 3, step 2k + 1 rows
// 4 … 7, and each row has 4 bytes there, columns 4k … 4k + 3 in the low nibbles, 16 + 4k … in the high ones:
//
//   byte  0                    16                   32                        127
//         ├─ k 0, rows 0 … 3 ──┼─ k 0, rows 4 … 7 ──┼─ k 1, rows 0 … 3 ─ …  ─────┤  = 128 bytes, "nibbles" below
//
//   Q4_0  144 a group         8 × d f16 │ nibbles                                                        + 0 %
//   Q8_0  272 a group         8 × d f16 │ 8 steps of 32 bytes: columns 4g … 4g + 3 of 8 rows, q + 128    + 0 %
//   Q4_K  1216 for 8 groups   8 × d f32 │ 8 × dmin f32 │ 8 × (8 scales │ 8 minima │ nibbles)             + 5.6 %
//   Q5_K  1472 for 8 groups   the same, each group with 32 bytes more: bit k of a byte is the fifth bit  + 4.5 %
//                             of column 4k + i, bit 4 + k that of 16 + 4k + i
//   Q6_K  1696 for 8 groups   8 × d f32 │ 8 × (8 scales of columns 0 … 15 │ 8 of 16 … 31 │ nibbles │     + 1.0 %
//                             64 bytes: for k 0|1 and 2|3, the fifth and sixth bits, two at a time: low column of
//                             the even k, high column of the even k, low and high of the odd k)
//
// K-quants keep d in float32: as f16 it is often subnormal, and a product with a subnormal costs 150 cycles here (a
// Q6_K head read 10 GB/s instead of 20).
//
// Eight rows share every activation that is loaded, and their sums come out in two registers without a horizontal add.
import { loadF16 } from "../f16";
import { scaleOf, minOf } from "./q4_k";

export const Q4_0: i32 = 2;
export const Q8_0: i32 = 8;
export const Q4_K: i32 = 12;
export const Q5_K: i32 = 13;
export const Q6_K: i32 = 14;

/** Groups that share a head: d (and dmin) of a block of 256 columns. */
@inline
export function groupsPerHead(format: i32): i32 {
  return format == Q4_0 || format == Q8_0 ? 1 : 8;
}

@inline
export function headBytes(format: i32): i32 {
  return format == Q4_K || format == Q5_K ? 64 : format == Q6_K ? 32 : 16;
}

/** Bytes of one group after its head. */
@inline
export function groupBytes(format: i32): i32 {
  return format == Q4_0 ? 128 : format == Q8_0 ? 256 : format == Q4_K ? 144 : format == Q5_K ? 176 : 208;
}

/** Where the nibbles begin within a group. */
@inline
export function nibblesAt(format: i32): i32 {
  return format == Q4_0 || format == Q8_0 ? 0 : 16;
}

/** Bytes of 8 rows. */
@inline
export function stripBytes(format: i32, cols: i32): i32 {
  const groups = cols >> 5;
  return (groups / groupsPerHead(format)) * headBytes(format) + groups * groupBytes(format);
}

/**
 * Packs `strips` times 8 rows of blocks at `from` (a file's own layout, `rowBytes` a row) to `to`. Given: finite scales;
 * others would read as numbers.
 */
export function packRows(format: i32, to: usize, from: usize, strips: i32, cols: i32, rowBytes: i32): void {
  for (let strip = 0; strip < strips; strip++) {
    for (let row = 0; row < 8; row++) {
      if (format == Q4_0) packQ4_0(to, from, row, cols);
      else if (format == Q8_0) packQ8_0(to, from, row, cols);
      else if (format == Q6_K) packQ6_K(to, from, row, cols);
      else packQ4_K(format, to, from, row, cols);
      from += rowBytes;
    }
    to += stripBytes(format, cols);
  }
}

function packQ4_0(to: usize, from: usize, row: i32, cols: i32): void {
  for (let i = 0; i < cols; i += 32) {
    store<u16>(to + (row << 1), load<u16>(from));
    for (let k = 0; k < 4; k++) store<u32>(to + 16 + (k << 5) + (row << 2), load<u32>(from + 2 + (k << 2)));
    from += 18;
    to += 144;
  }
}

function packQ8_0(to: usize, from: usize, row: i32, cols: i32): void {
  for (let i = 0; i < cols; i += 32) {
    store<u16>(to + (row << 1), load<u16>(from));
    for (let g = 0; g < 8; g++) {
      store<u32>(to + 16 + (g << 5) + (row << 2), load<u32>(from + 2 + (g << 2)) ^ 0x80808080);
    }
    from += 34;
    to += 272;
  }
}

/** Writes the nibbles of 32 columns, given as 32 bytes at `q`: low nibble column l, high nibble column l + 16. */
@inline
function packNibbles(to: usize, row: i32, low: v128, high: v128): void {
  const nibbles = v128.or(v128.and(low, i8x16.splat(15)), i8x16.shl(v128.and(high, i8x16.splat(15)), 4));
  store<i32>(to + (row << 2), i32x4.extract_lane(nibbles, 0));
  store<i32>(to + 32 + (row << 2), i32x4.extract_lane(nibbles, 1));
  store<i32>(to + 64 + (row << 2), i32x4.extract_lane(nibbles, 2));
  store<i32>(to + 96 + (row << 2), i32x4.extract_lane(nibbles, 3));
}

function packQ4_K(format: i32, to: usize, from: usize, row: i32, cols: i32): void {
  const fiveBits = format == Q5_K;
  for (let i = 0; i < cols; i += 256) {
    store<f32>(to + (row << 2), loadF16(from));
    store<f32>(to + 32 + (row << 2), loadF16(from + 2));
    const qs = from + (fiveBits ? 48 : 16);
    let group = to + 64;
    for (let j = 0; j < 8; j++) {
      store<u8>(group + row, <u8>scaleOf(from + 4, j));
      store<u8>(group + 8 + row, <u8>minOf(from + 4, j));
      const pair = qs + ((j >> 1) << 5);
      const shift = (j & 1) << 2;
      packNibbles(group + 16, row, i8x16.shr_u(v128.load(pair), shift), i8x16.shr_u(v128.load(pair, 16), shift));
      if (fiveBits) packFifthBits(group + 144, from + 16, row, j);
      group += groupBytes(format);
    }
    to = group;
    from = qs + 128;
  }
}

/** Bit j of byte l at `bits` belongs to column l of group j. */
@inline
function packFifthBits(to: usize, bits: usize, row: i32, j: i32): void {
  for (let i = 0; i < 4; i++) {
    let packed = 0;
    for (let k = 0; k < 4; k++) {
      packed |= ((<i32>load<u8>(bits + (k << 2) + i) >> j) & 1) << k;
      packed |= ((<i32>load<u8>(bits + 16 + (k << 2) + i) >> j) & 1) << (4 + k);
    }
    store<u8>(to + (row << 2) + i, <u8>packed);
  }
}

function packQ6_K(to: usize, from: usize, row: i32, cols: i32): void {
  for (let i = 0; i < cols; i += 256) {
    store<f32>(to + (row << 2), loadF16(from + 208));
    let group = to + 32;
    for (let j = 0; j < 8; j++) {
      // Group j is half j >> 2, quarter j & 3 of the block; see q6_k.ts.
      store<i8>(group + row, load<i8>(from + 192 + (j << 1)));
      store<i8>(group + 8 + row, load<i8>(from + 192 + (j << 1), 1));
      const low = from + ((j >> 2) << 6) + ((j & 1) << 5);
      const shift = ((j & 3) >> 1) << 2;
      packNibbles(group + 16, row, i8x16.shr_u(v128.load(low), shift), i8x16.shr_u(v128.load(low, 16), shift));
      packHighBits(group + 144, from + 128 + ((j >> 2) << 5), row, (j & 3) << 1);
      group += 208;
    }
    to = group;
    from += 210;
  }
}

/** Bits shift, shift + 1 of byte l at `bits` belong to column l. */
@inline
function packHighBits(to: usize, bits: usize, row: i32, shift: i32): void {
  for (let pair = 0; pair < 2; pair++) {
    for (let i = 0; i < 4; i++) {
      const at = bits + (pair << 3) + i;
      const lowEven = (<i32>load<u8>(at) >> shift) & 3;
      const highEven = (<i32>load<u8>(at, 16) >> shift) & 3;
      const lowOdd = (<i32>load<u8>(at, 4) >> shift) & 3;
      const highOdd = (<i32>load<u8>(at, 20) >> shift) & 3;
      store<u8>(to + (pair << 5) + (row << 2) + i, <u8>(lowEven | (highEven << 2) | (lowOdd << 4) | (highOdd << 6)));
    }
  }
}

/** Row `row` of packed weights in float32: cols numbers at `to`, the values that the file's own layout gives. */
export function unpackRow(format: i32, to: usize, w: usize, row: i32, cols: i32): void {
  w += <usize>(row >> 3) * stripBytes(format, cols);
  row &= 7;
  const perHead = groupsPerHead(format);
  for (let head = 0; head < cols >> 5; head += perHead) {
    const d = perHead == 1 ? loadF16(w + (row << 1)) : load<f32>(w + (row << 2));
    const dmin: f32 = format == Q4_K || format == Q5_K ? load<f32>(w + 32 + (row << 2)) : 0;
    w += headBytes(format);
    for (let j = 0; j < perHead; j++) {
      for (let c = 0; c < 32; c++) store<f32>(to + (c << 2), weight(format, w, row, c, d, dmin));
      w += groupBytes(format);
      to += 128;
    }
  }
}

@inline
function weight(format: i32, group: usize, row: i32, c: i32, d: f32, dmin: f32): f32 {
  if (format == Q8_0) {
    return d * <f32>(<i32>load<u8>(group + ((c >> 2) << 5) + (row << 2) + (c & 3)) - 128);
  }
  const k = (c & 15) >> 2;
  const at = (row << 2) + (c & 3);
  let q = (<i32>load<u8>(group + nibblesAt(format) + (k << 5) + at) >> ((c >> 4) << 2)) & 15;
  if (format == Q4_0) return d * <f32>(q - 8);
  if (format == Q6_K) {
    q |= ((<i32>load<u8>(group + 144 + ((k >> 1) << 5) + at) >> (((k & 1) << 2) + ((c >> 4) << 1))) & 3) << 4;
    return d * <f32>load<i8>(group + ((c >> 4) << 3) + row) * <f32>(q - 32);
  }
  if (format == Q5_K) q |= ((<i32>load<u8>(group + 144 + at) >> (k + ((c >> 4) << 2))) & 1) << 4;
  return d * <f32>load<u8>(group + row) * <f32>q - dmin * <f32>load<u8>(group + 8 + row);
}

/** Four f16 at `address` as float32, times 2⁻¹¹²: their bits, moved. `mask` is SCALE_MASK in every lane. */
@inline
export function loadScales(address: usize, mask: v128): v128 {
  return v128.and(i32x4.shl(v128.load16x4_s(address), 13), mask);
}
