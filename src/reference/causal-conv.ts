// y[t, c] = Σᵢ w[c, i] · x[t − width + 1 + i, c], the rows before a span come from its state.
import type { ConvSpan } from "../ops/ops.ts";
import { weightRow } from "./linear.ts";
import { createTensor, type ReferenceConvState, type ReferenceTensor, type ReferenceWeight, rowOf } from "./tensor.ts";

export function causalConv(x: ReferenceTensor, w: ReferenceWeight, spans: readonly ConvSpan[]): ReferenceTensor {
  const { cols } = x;
  const past = w.cols - 1;
  const y = createTensor(x.rows, cols);
  let begin = 0;
  for (const { rows, state } of spans) {
    const { current, next, spare, taken } = state as ReferenceConvState;
    const first = begin;
    const end = spare + past - taken;
    /** Row `t` of the span, t ≥ −past. */
    const input = (t: number): Float32Array =>
      t < 0 ? current.subarray((end + t) * cols, (end + t + 1) * cols) : rowOf(x, first + t);

    for (let c = 0; c < cols; c++) {
      const taps = weightRow(w, c);
      for (let t = 0; t < rows; t++) {
        let sum = 0;
        for (let i = 0; i <= past; i++) sum = Math.fround(sum + Math.fround(taps[i] * input(t - past + i)[c]));
        y.data[(first + t) * cols + c] = sum;
      }
    }
    for (let i = -Math.min(rows, spare); i < past; i++) next.set(input(rows - past + i), (spare + i) * cols);
    begin += rows;
  }
  return y;
}
