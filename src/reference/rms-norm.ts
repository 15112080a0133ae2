// x / √(mean(x²) + eps) · w, over every run of w.cols numbers: a row, or one head of it.
import { weightRow } from "./linear.ts";
import { createTensor, type ReferenceTensor, type ReferenceWeight, rowOf } from "./tensor.ts";

export function rmsNorm(x: ReferenceTensor, w: ReferenceWeight, eps: number): ReferenceTensor {
  const f = Math.fround;
  const y = createTensor(x.rows, x.cols);
  const gain = weightRow(w, 0);
  const n = w.cols;
  for (let t = 0; t < x.rows; t++) {
    const from = rowOf(x, t);
    const to = rowOf(y, t);
    for (let begin = 0; begin < x.cols; begin += n) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum = f(sum + f(from[begin + i] * from[begin + i]));
      const inverse = f(1 / f(Math.sqrt(f(f(sum / n) + f(eps)))));
      for (let i = 0; i < n; i++) to[begin + i] = f(f(from[begin + i] * inverse) * gain[i]);
    }
  }
  return y;
}
