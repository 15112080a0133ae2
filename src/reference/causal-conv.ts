// y[t, c] = Σᵢ w[c, i] · x[t − width + 1 + i, c], the rows before x taken from the state.
import { weightRow } from "./linear.ts";
import { createTensor, type ReferenceConvState, type ReferenceTensor, type ReferenceWeight, rowOf } from "./tensor.ts";

export function causalConv(x: ReferenceTensor, w: ReferenceWeight, state: ReferenceConvState): ReferenceTensor {
  const { rows, cols } = x;
  const past = w.cols - 1;
  /** Row `t` of the sequence, t ≥ −past. */
  const input = (t: number): Float32Array =>
    t < 0 ? state.current.subarray((past + t) * cols, (past + t + 1) * cols) : rowOf(x, t);

  const y = createTensor(rows, cols);
  for (let c = 0; c < cols; c++) {
    const taps = weightRow(w, c);
    for (let t = 0; t < rows; t++) {
      let sum = 0;
      for (let i = 0; i <= past; i++) sum = Math.fround(sum + Math.fround(taps[i] * input(t - past + i)[c]));
      y.data[t * cols + c] = sum;
    }
  }
  for (let i = 0; i < past; i++) state.next.set(input(rows - past + i), i * cols);
  return y;
}
