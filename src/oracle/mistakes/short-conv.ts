// The gated short convolution: slices of in_proj exchanged, taps turned round, a state that is not what it should be.
import type { ConvSpan, Tensor } from "../../ops/ops.ts";
import { type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { byRow, ones, withRows } from "./columns.ts";
import { inParts, type Mistake, type Steps } from "./mistake.ts";

const { bug } = inParts("short convolution");

/** in_proj's slices read in another order than B, C, x. */
function slices(cause: string, says: string, order: readonly number[]): Mistake {
  return bug(cause, says, (ops) => ({
    split(x, parts) {
      const found = ops.split(x, parts);
      return order.map((i) => found[i]);
    },
  }));
}

/** Which rows may have begun a step. */
const steps = {
  "every position": (row: number, second: number) => row >= second,
  "the beginning of every step": (row: number, second: number) => row % second === 0,
};

/** A state that lacks the last `late` rows before its step. */
function state(cause: string, what: string, late: number): Mistake[] {
  return Object.entries(steps).map(([when, isStart]) =>
    bug(cause, `the convolution's state ${what} at ${when}`, (ops, _, at) => ({
      causalConv: (x, w) =>
        lazyTensor(x.rows, x.cols, () => ops.causalConv(x, w, spansOf(x, w.cols, late, isStart, at))),
    })),
  );
}

function spansOf(
  x: Tensor,
  width: number,
  late: number,
  isStart: (row: number, second: number) => boolean,
  { begin, second }: Steps,
): ConvSpan[] {
  const rows = Array.from({ length: x.rows }, (_, t) => t);
  const starts = rows.filter((t) => t === 0 || (second > 0 && isStart(begin + t, second)));
  return starts.map((from, i) => {
    const current = new Float32Array((width - 1) * x.cols);
    for (let j = 0; j < width - 1; j++) {
      const row = from - late - (width - 1) + j;
      if (row >= 0) current.set(rowOf(x as ReferenceTensor, row), j * x.cols);
    }
    const next = new Float32Array(current.length);
    return { rows: (starts[i + 1] ?? x.rows) - from, state: { width, current, next } };
  });
}

export const shortConvMistakes: readonly Mistake[] = [
  slices("swapped-c-b", "B and C exchanged", [1, 0, 2]),
  slices("swapped-c-x", "C and x exchanged", [0, 2, 1]),
  bug("flipped-taps", "the taps of the convolution flipped", (ops) => ({
    causalConv: (x, w, spans) =>
      ops.causalConv(
        x,
        withRows(w, (taps) => taps.reverse()),
        spans,
      ),
  })),
  bug("conv-delayed", "the convolution one position late", (ops) => ({
    causalConv: (x, w, spans) =>
      ops.causalConv(
        byRow(x, (row, t, before) => (t === 0 ? row.map(() => 0) : before(t - 1))),
        w,
        spans,
      ),
  })),
  bug("conv-activation", "silu after the convolution", (ops) => ({
    causalConv: (x, w, spans) => ops.swiglu(ops.causalConv(x, w, spans), ones(x)),
  })),
  ...state("conv-state-off-by-one", "one position old", 1),
  ...state("conv-state-lost", "empty", Number.POSITIVE_INFINITY),
];
