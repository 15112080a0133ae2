// Keys and values as they are stored: float32, half precision, or int8 with a scale per position and head.
//
//   f32, f16   capacity × [kvHeads · headDim]
//   int8       capacity × [kvHeads · headDim] int8, then capacity × [kvHeads] scales f32
//
import { f32ToF16 } from "./f16";
import { SCALE_MASK, twoTo112 } from "./gemv";
import { storeScaled } from "./lanes";
import { loadScales } from "./packed";

export const KV_F32: i32 = 0;
export const KV_F16: i32 = 1;
// 2: int8

/** Writes x f32[rows, cols] at positions start …; `headDim` values share an int8 scale. */
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
  const first = <usize>start * cols;
  const n = rows * cols;
  if (type == KV_F32) {
    memory.copy(cache + (first << 2), x, <usize>n << 2);
  } else if (type == KV_F16) {
    const to = cache + (first << 1);
    for (let i = 0; i < n; i++) store<u16>(to + (i << 1), f32ToF16(load<f32>(x + (i << 2))));
  } else {
    let scale = scalesOf(cache, capacity, cols) + ((first / headDim) << 2);
    for (let i = 0; i < n; i += headDim) {
      store<f32>(scale, quantizeHead(cache + first + i, x + (i << 2), headDim));
      scale += 4;
    }
  }
}

@inline
function scalesOf(cache: usize, capacity: i32, cols: i32): usize {
  return cache + <usize>capacity * cols;
}

/** x f32[n] → int8[n] by max|x| / 127, to nearest, ties to even. Returns the scale. */
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

/** Positions first … first + count − 1 of one KV head in float32: f32[count, headDim] at `to`. */
export function decodeKv(
  type: i32,
  to: usize,
  cache: usize,
  capacity: i32,
  kvHeads: i32,
  headDim: i32,
  kvHead: i32,
  first: i32,
  count: i32,
): void {
  const cols = kvHeads * headDim;
  const mask = i32x4.splat(SCALE_MASK);
  const factor = twoTo112();
  for (let s = 0; s < count; s++) {
    const at = <usize>(first + s) * cols + kvHead * headDim;
    // Sixteen numbers a turn, with a pointer of its own: three times as fast as four, with computed addresses.
    if (type == KV_F32) {
      let from = cache + (at << 2);
      for (let d = 0; d < headDim << 2; d += 64) {
        v128.store(to + d, v128.load(from, 0), 0);
        v128.store(to + d, v128.load(from, 16), 16);
        v128.store(to + d, v128.load(from, 32), 32);
        v128.store(to + d, v128.load(from, 48), 48);
        from += 64;
      }
    } else if (type == KV_F16) {
      // The cache holds no infinity (f32ToF16 saturates), so moved bits need one product only. NaN reads as a number
      // here; the hidden state beside it keeps its NaN, so nothing is hidden.
      let from = cache + (at << 1);
      for (let d = 0; d < headDim << 2; d += 64) {
        v128.store(to + d, f32x4.mul(loadScales(from, mask), factor), 0);
        v128.store(to + d, f32x4.mul(loadScales(from + 8, mask), factor), 16);
        v128.store(to + d, f32x4.mul(loadScales(from + 16, mask), factor), 32);
        v128.store(to + d, f32x4.mul(loadScales(from + 24, mask), factor), 48);
        from += 32;
      }
    } else {
      const scale = load<f32>(scalesOf(cache, capacity, cols) + (<usize>((first + s) * kvHeads + kvHead) << 2));
      let from = cache + at;
      for (let d = 0; d < headDim << 2; d += 64) {
        storeScaled(to + d, v128.load(from), scale);
        from += 16;
      }
    }
    to += headDim << 2;
  }
}
