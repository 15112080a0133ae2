// y = x · Wᵀ, the weights decoded row by row when they are used.
import { decodeRow, rowBytes } from "../blocks/formats.ts";
import { createTensor, type ReferenceTensor, type ReferenceWeight, rowOf } from "./tensor.ts";

/** Σ a[i] · b[i], from left to right; each product and each sum is rounded to float32. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum = Math.fround(sum + Math.fround(a[i] * b[i]));
  return sum;
}

/** Row `row` of expert `expert`, in float32, into `to`. */
export function weightRow(
  w: ReferenceWeight,
  row: number,
  expert = 0,
  to: Float32Array = new Float32Array(w.cols),
): Float32Array {
  decodeRow(w.format, w.bytes, (expert * w.rows + row) * rowBytes(w.format, w.cols), to, w.cols);
  return to;
}

export function linear(x: ReferenceTensor, w: ReferenceWeight): ReferenceTensor {
  const y = createTensor(x.rows, w.rows);
  for (let r = 0; r < w.rows; r++) {
    const row = weightRow(w, r);
    for (let t = 0; t < x.rows; t++) y.data[t * w.rows + r] = dot(row, rowOf(x, t));
  }
  return y;
}
