// silu(gate) · up, silu(a) = a · sigmoid(a).
import { sigmoidOf } from "./elementwise.ts";
import { createTensor, type ReferenceTensor, rowOf } from "./tensor.ts";

export function swiglu(gate: ReferenceTensor, up: ReferenceTensor): ReferenceTensor {
  const y = createTensor(gate.rows, gate.cols);
  for (let t = 0; t < gate.rows; t++) {
    const a = rowOf(gate, t);
    const b = rowOf(up, t);
    const to = rowOf(y, t);
    for (let c = 0; c < gate.cols; c++) to[c] = Math.fround(a[c] * sigmoidOf(a[c])) * b[c];
  }
  return y;
}
