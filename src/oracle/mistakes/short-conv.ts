// The gated short convolution: slices of in_proj exchanged, taps turned round, a state that is not what it should be.
import type { ConvSpan, Ops, Tensor } from "../../ops/ops.ts";
import { type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { byRow, filled, withRows } from "./columns.ts";
import type { Mistake, Steps } from "./mistake.ts";

const parts = ["short convolution"] as const;

/** in_proj's slices read in another order than B, C, x. */
function slices(cause: string, says: string, order: readonly number[]): Mistake {
  const split = (ops: Ops) => (x: Tensor, count: number) => {
    const found = ops.split(x, count);
    return order.map((i) => found[i]);
  };
  return { cause, says, parts, ops: (ops) => ({ split: split(ops) }) };
}

const steps = {
  "every position": (row: number, second: number) => row >= second,
  "the beginning of every step": (row: number, second: number) => row % second === 0,
};

/** A state that lacks the last `late` rows before its step: all of them, and it is empty. */
function state(cause: string, what: string, late: number): Mistake[] {
  return Object.entries(steps).map(([when, isStart]) => ({
    cause,
    says: `the convolution's state ${what} at ${when}`,
    parts,
    ops: (ops, _, at) => ({
      causalConv: (x, w) =>
        lazyTensor(x.rows, x.cols, () => ops.causalConv(x, w, spansOf(x, w.cols, late, isStart, at))),
    }),
  }));
}

function spansOf(
  x: Tensor,
  width: number,
  late: number,
  isStart: (row: number, second: number) => boolean,
  { begin, second }: Steps,
): ConvSpan[] {
  const starts = Array.from({ length: x.rows }, (_, t) => t).filter(
    (t) => t === 0 || (second > 0 && isStart(begin + t, second)),
  );
  return starts.map((from, i) => {
    const current = new Float32Array((width - 1) * x.cols);
    for (let j = 0; j < width - 1; j++) {
      const row = from - late - (width - 1) + j;
      if (row >= 0) current.set(rowOf(x as ReferenceTensor, row), j * x.cols);
    }
    return {
      rows: (starts[i + 1] ?? x.rows) - from,
      state: { width, current, next: new Float32Array(current.length) },
    };
  });
}

export const shortConvMistakes: readonly Mistake[] = [
  slices("swapped-c-b", "B and C exchanged", [1, 0, 2]),
  slices("swapped-c-x", "C and x exchanged", [0, 2, 1]),
  {
    cause: "flipped-taps",
    says: "the taps of the convolution flipped",
    parts,
    ops: (ops) => ({
      causalConv: (x, w, spans) =>
        ops.causalConv(
          x,
          withRows(w, (taps) => taps.reverse()),
          spans,
        ),
    }),
  },
  {
    cause: "conv-delayed",
    says: "the convolution one position late",
    parts,
    ops: (ops) => ({
      causalConv: (x, w, spans) =>
        ops.causalConv(
          byRow(x, (row, t) => (t === 0 ? new Float32Array(row.length) : rowOf(x as ReferenceTensor, t - 1))),
          w,
          spans,
        ),
    }),
  },
  {
    cause: "conv-activation",
    says: "silu after the convolution",
    parts,
    ops: (ops) => ({
      causalConv: (x, w, spans) => ops.swiglu(ops.causalConv(x, w, spans), filled(x.rows, x.cols, 1)),
    }),
  },
  ...state("conv-state-off-by-one", "one position old", 1),
  ...state("conv-state-lost", "empty", Number.POSITIVE_INFINITY),
];
