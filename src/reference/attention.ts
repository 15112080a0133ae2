// softmax(q · kᵀ / √headDim) · v over everything up to and including the current position.
import { f16ToF32, f32ToF16 } from "../blocks/f16.ts";
import { expf } from "../float.ts";
import type { KvType } from "../ops/backend.ts";
import { dot } from "./linear.ts";
import { createTensor, type ReferenceKvCache, type ReferenceTensor, rowOf } from "./tensor.ts";

export function attention(
  q: ReferenceTensor,
  k: ReferenceTensor,
  v: ReferenceTensor,
  cache: ReferenceKvCache,
  start: number,
  headDim: number,
  stored = start,
): ReferenceTensor {
  const f = Math.fround;
  for (let t = Math.max(0, stored - start); t < k.rows; t++) {
    storeRow(cache.type, rowOf(k, t), cache.k.subarray((start + t) * k.cols), headDim);
    storeRow(cache.type, rowOf(v, t), cache.v.subarray((start + t) * k.cols), headDim);
  }
  const y = createTensor(q.rows, q.cols);
  const heads = q.cols / headDim;
  const kvHeads = k.cols / headDim;
  const scaling = f(1 / Math.sqrt(headDim));
  for (let t = 0; t < q.rows; t++) {
    const positions = start + t + 1;
    const scores = new Float32Array(positions);
    for (let h = 0; h < heads; h++) {
      const query = rowOf(q, t).subarray(h * headDim, (h + 1) * headDim);
      const column = Math.floor((h * kvHeads) / heads) * headDim;
      let max = Number.NEGATIVE_INFINITY;
      for (let s = 0; s < positions; s++) {
        const at = s * k.cols + column;
        scores[s] = dot(query, cache.k.subarray(at, at + headDim)) * scaling;
        max = Math.max(max, scores[s]);
      }
      let sum = 0;
      for (let s = 0; s < positions; s++) {
        scores[s] = expf(f(scores[s] - max));
        sum = f(sum + scores[s]);
      }
      const to = rowOf(y, t).subarray(h * headDim, (h + 1) * headDim);
      for (let s = 0; s < positions; s++) {
        const at = s * k.cols + column;
        for (let d = 0; d < headDim; d++) to[d] = to[d] + f(scores[s] * cache.v[at + d]);
      }
      for (let d = 0; d < headDim; d++) to[d] = to[d] / sum;
    }
  }
  return y;
}

/** Writes a position's keys or values as a cache of this type gives them back. */
export function storeRow(type: KvType, row: Float32Array, to: Float32Array, headDim: number): void {
  if (type === "f32") {
    to.set(row);
  } else if (type === "f16") {
    // Saturates: an infinite key would turn every later token to NaN.
    for (let i = 0; i < row.length; i++) to[i] = f16ToF32(f32ToF16(Math.max(-65504, Math.min(65504, row[i]))));
  } else {
    for (let begin = 0; begin < row.length; begin += headDim) storeInt8(row, to, begin, begin + headDim);
  }
}

/** One scale for the run: max|x| / 127; integers by rounding to nearest, ties to even. */
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
