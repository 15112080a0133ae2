// softmax(q · kᵀ / √headDim) · v over everything up to and including the current position.
import { f16ToF32, f32ToF16 } from "../blocks/f16.ts";
import { expf } from "../float.ts";
import type { KvType } from "../ops/backend.ts";
import { type KvSpan, PAGE } from "../ops/ops.ts";
import { dot } from "./linear.ts";
import { createTensor, type ReferenceKvCache, type ReferenceTensor, rowOf } from "./tensor.ts";

export function attention(
  q: ReferenceTensor,
  k: ReferenceTensor,
  v: ReferenceTensor,
  spans: readonly KvSpan[],
  headDim: number,
): ReferenceTensor {
  const y = createTensor(q.rows, q.cols);
  let row = 0;
  for (const { rows, start, stored, cache, pages } of spans) {
    const { type, k: keys, v: values } = cache as ReferenceKvCache;
    const placeOf = (position: number): number => pages[Math.floor(position / PAGE)] * PAGE + (position % PAGE);
    for (let t = stored - start; t < rows; t++) {
      storeRow(type, rowOf(k, row + t), keys.subarray(placeOf(start + t) * k.cols), headDim);
      storeRow(type, rowOf(v, row + t), values.subarray(placeOf(start + t) * k.cols), headDim);
    }
    for (let t = 0; t < rows; t++, row++) {
      const places = Array.from({ length: start + t + 1 }, (_, position) => placeOf(position));
      attend(rowOf(y, row), rowOf(q, row), keys, values, places, k.cols, headDim);
    }
  }
  return y;
}

/** All heads of one row, over the positions of its sequence so far, by where they lie. */
function attend(
  y: Float32Array,
  q: Float32Array,
  keys: Float32Array,
  values: Float32Array,
  places: readonly number[],
  cols: number,
  headDim: number,
): void {
  const f = Math.fround;
  const heads = q.length / headDim;
  const kvHeads = cols / headDim;
  const scaling = f(1 / Math.sqrt(headDim));
  const scores = new Float32Array(places.length);
  for (let h = 0; h < heads; h++) {
    const query = q.subarray(h * headDim, (h + 1) * headDim);
    const column = Math.floor((h * kvHeads) / heads) * headDim;
    let max = Number.NEGATIVE_INFINITY;
    for (let s = 0; s < places.length; s++) {
      const at = places[s] * cols + column;
      scores[s] = dot(query, keys.subarray(at, at + headDim)) * scaling;
      max = Math.max(max, scores[s]);
    }
    let sum = 0;
    for (let s = 0; s < places.length; s++) {
      scores[s] = expf(f(scores[s] - max));
      sum = f(sum + scores[s]);
    }
    const to = y.subarray(h * headDim, (h + 1) * headDim);
    for (let s = 0; s < places.length; s++) {
      const at = places[s] * cols + column;
      for (let d = 0; d < headDim; d++) to[d] = to[d] + f(scores[s] * values[at + d]);
    }
    for (let d = 0; d < headDim; d++) to[d] = to[d] / sum;
  }
}

/** Writes the keys or values of one position, rounded as a cache of this type rounds them. */
export function storeRow(type: KvType, row: Float32Array, to: Float32Array, headDim: number): void {
  if (type === "f32") {
    to.set(row);
  } else if (type === "f16") {
    // Saturates: an infinite key would make every later token NaN.
    for (let i = 0; i < row.length; i++) to[i] = f16ToF32(f32ToF16(Math.max(-65504, Math.min(65504, row[i]))));
  } else {
    for (let begin = 0; begin < row.length; begin += headDim) storeInt8(row, to, begin, begin + headDim);
  }
}

/** One scale for the columns begin … end − 1: max|x| / 127; integers by rounding to nearest, ties to even. */
function storeInt8(row: Float32Array, to: Float32Array, begin: number, end: number): void {
  const f = Math.fround;
  let max = 0;
  for (let i = begin; i < end; i++) max = Math.max(max, Math.abs(row[i]));
  const scale = f(max / 127);
  const inverse = scale === 0 ? 0 : f(1 / scale);
  for (let i = begin; i < end; i++) {
    const integer = f(f(f(row[i] * inverse) + 12582912) - 12582912); // 1.5 · 2²³: rounds to an integer, ties to even
    to[i] = Math.max(-127, Math.min(127, integer)) * scale;
  }
}
