// Choosing experts, and turning their scores into weights: topK, gather, normalize, weightedSum.
import { createTensor, type ReferenceExpertIds, type ReferenceTensor, rowOf } from "./tensor.ts";

export function topK(x: ReferenceTensor, k: number): ReferenceExpertIds {
  const ids = new Int32Array(x.rows * k);
  for (let t = 0; t < x.rows; t++) {
    const row = rowOf(x, t);
    const byValue = Array.from(row.keys()).sort((a, b) => row[b] - row[a] || a - b);
    ids.set(
      byValue.slice(0, k).sort((a, b) => a - b),
      t * k,
    );
  }
  return { rows: x.rows, k, ids };
}

export function gather(x: ReferenceTensor, { ids, rows, k }: ReferenceExpertIds): ReferenceTensor {
  const y = createTensor(rows, k);
  for (let i = 0; i < ids.length; i++) y.data[i] = rowOf(x, Math.floor(i / k))[ids[i]];
  return y;
}

export function normalize(x: ReferenceTensor, eps: number): ReferenceTensor {
  const y = createTensor(x.rows, x.cols);
  for (let t = 0; t < x.rows; t++) {
    const from = rowOf(x, t);
    let sum = 0;
    for (const value of from) sum = Math.fround(sum + value);
    const divisor = Math.fround(sum + Math.fround(eps));
    rowOf(y, t).set(from.map((value) => value / divisor));
  }
  return y;
}

export function weightedSum(x: ReferenceTensor, weights: ReferenceTensor): ReferenceTensor {
  const y = createTensor(weights.rows, x.cols);
  for (let t = 0; t < weights.rows; t++) {
    const to = rowOf(y, t);
    const weight = rowOf(weights, t);
    for (let j = 0; j < weights.cols; j++) {
      const from = rowOf(x, t * weights.cols + j);
      for (let c = 0; c < x.cols; c++) to[c] = to[c] + Math.fround(from[c] * weight[j]);
    }
  }
  return y;
}
