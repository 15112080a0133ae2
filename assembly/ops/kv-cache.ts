// Keys and values as they are stored: float32, half precision, or int8 with a scale for each position and head. All
// positions of one head come before the next head, so that a head's keys are read in one stream:
//
//   f32, f16   kvHeads × capacity × [headDim]
//   int8       kvHeads × capacity × [headDim] int8, then kvHeads × capacity scales f32
//
import { f32ToF16 } from "../f16";
import { CHUNK } from "./online-softmax";

export const KV_F32: i32 = 0;
export const KV_F16: i32 = 1;
export const KV_INT8: i32 = 2;

/** Bytes of one position of one head, its scale included. */
export function kvHeadBytes(type: i32, headDim: i32): i32 {
  return type == KV_F32 ? headDim << 2 : type == KV_F16 ? headDim << 1 : headDim + 4;
}

/** Where the keys or values of `position` begin. */
@inline
export function rowOf(type: i32, cache: usize, capacity: i32, headDim: i32, kvHead: i32, position: i32): usize {
  const shift = type == KV_F32 ? 2 : type == KV_F16 ? 1 : 0;
  return cache + ((<usize>kvHead * capacity + position) * headDim << shift);
}

/** Where the int8 scale of `position` is. */
@inline
export function scaleOf(
  cache: usize,
  capacity: i32,
  kvHeads: i32,
  headDim: i32,
  kvHead: i32,
  position: i32,
): usize {
  return cache + <usize>kvHeads * capacity * headDim + ((<usize>kvHead * capacity + position) << 2);
}

/** Copies the keys or values of page `from` to page `to`, of CHUNK positions each. */
export function copyPage(
  type: i32,
  cache: usize,
  capacity: i32,
  kvHeads: i32,
  headDim: i32,
  from: i32,
  to: i32,
): void {
  from *= CHUNK;
  to *= CHUNK;
  for (let head = 0; head < kvHeads; head++) {
    const begin = rowOf(type, cache, capacity, headDim, head, from);
    const bytes = rowOf(type, cache, capacity, headDim, head, from + CHUNK) - begin;
    memory.copy(rowOf(type, cache, capacity, headDim, head, to), begin, bytes);
    if (type == KV_INT8) {
      const scales = scaleOf(cache, capacity, kvHeads, headDim, head, to);
      memory.copy(scales, scaleOf(cache, capacity, kvHeads, headDim, head, from), CHUNK << 2);
    }
  }
}

/** Writes x f32[rows, kvHeads · headDim] at positions start … */
export function storeKv(
  type: i32,
  cache: usize,
  capacity: i32,
  x: usize,
  rows: i32,
  cols: i32,
  headDim: i32,
  start: i32,
): void {
  const kvHeads = cols / headDim;
  for (let t = 0; t < rows; t++) {
    for (let head = 0; head < kvHeads; head++) {
      const to = rowOf(type, cache, capacity, headDim, head, start + t);
      if (type == KV_F32) {
        memory.copy(to, x, headDim << 2);
      } else if (type == KV_F16) {
        for (let i = 0; i < headDim; i++) store<u16>(to + (i << 1), f32ToF16(load<f32>(x + (i << 2))));
      } else {
        const scale = scaleOf(cache, capacity, kvHeads, headDim, head, start + t);
        store<f32>(scale, quantizeHead(to, x, headDim));
      }
      x += headDim << 2;
    }
  }
}

/** x f32[n] → int8[n] in units of max|x| / 127, rounded to nearest, ties to even. Returns that unit, the scale. */
function quantizeHead(to: usize, x: usize, n: i32): f32 {
  let amax: f32 = 0;
  for (let i = 0; i < n; i++) amax = max<f32>(amax, abs<f32>(load<f32>(x + (i << 2))));
  const scale = amax / <f32>127.0;
  const inverse: f32 = scale == 0 ? 0 : <f32>1.0 / scale;
  for (let i = 0; i < n; i++) {
    const q = nearest<f32>(load<f32>(x + (i << 2)) * inverse);
    store<i8>(to + i, <i8>max<f32>(-127, min<f32>(127, q)));
  }
  return scale;
}
