// The gated short convolution: slices of in_proj exchanged, taps turned round, a state that is not what it should be.
import type { ConvSpan, Ops, Tensor, Weight } from "../../ops/ops.ts";
import { sigmoidOf } from "../../reference/elementwise.ts";
import { createTensor, type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { byRow, ones, reordered, rowsFrom, withRows } from "./columns.ts";
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

/** What a state holds at place j of its width − 1, where its step begins at row `from`; undefined for zeros. */
type Held = (from: number, j: number, width: number) => number | undefined;
/** Of what its rows are, where they are not the products of B and x. */
type Rows = (slices: readonly Tensor[], product: Tensor, ops: Ops) => Tensor;

const late =
  (rows: number): Held =>
  (from, j, width) =>
    from - rows - (width - 1) + j;

function state(cause: string, what: string, held: Held, rows: Rows = (_, product) => product): Mistake[] {
  return Object.entries(steps).map(([when, isStart]) =>
    bug(cause, `the convolution's state ${what} at ${when}`, (ops, _, at) => {
      let slices: readonly Tensor[] = [];
      return {
        split(x, parts) {
          slices = ops.split(x, parts);
          return [...slices];
        },
        causalConv: (x, w) =>
          lazyTensor(x.rows, x.cols, () =>
            ops.causalConv(x, w, spansOf(rows(slices, x, ops), w.cols, held, isStart, at)),
          ),
      };
    }),
  );
}

function spansOf(
  x: Tensor,
  width: number,
  held: Held,
  isStart: (row: number, second: number) => boolean,
  { begin, second }: Steps,
): ConvSpan[] {
  const rows = Array.from({ length: x.rows }, (_, t) => t);
  const starts = rows.filter((t) => t === 0 || (second > 0 && isStart(begin + t, second)));
  return starts.map((from, i) => {
    const current = new Float32Array((width - 1) * x.cols);
    for (let j = 0; j < width - 1; j++) {
      const row = held(from, j, width) ?? -1;
      if (row >= 0) current.set(rowOf(x as ReferenceTensor, row), j * x.cols);
    }
    const next = new Float32Array(current.length);
    return { rows: (starts[i + 1] ?? x.rows) - from, state: { width, current, next } };
  });
}

/** A slice of in_proj made into something else. */
function gate(cause: string, says: string, slice: number, change: (x: Tensor, ops: Ops) => Tensor): Mistake {
  return bug(cause, says, (ops) => ({
    split: (x, parts) => ops.split(x, parts).map((part, i) => (i === slice ? change(part, ops) : part)),
  }));
}

const silu = (x: Tensor, ops: Ops): Tensor => ops.swiglu(x, ones(x));
const sigmoid = (x: Tensor): Tensor => byRow(x, (row) => row.map(sigmoidOf));

/** Zeros after the last row, and results moved up by as many. */
function paddedRight(ops: Ops, x: Tensor, w: Weight): Tensor {
  const past = w.cols - 1;
  return lazyTensor(x.rows, x.cols, () => {
    const longer = createTensor(x.rows + past, x.cols);
    for (let t = 0; t < x.rows; t++) rowOf(longer, t).set(rowOf(x as ReferenceTensor, t));
    const empty = (): Float32Array => new Float32Array(past * x.cols);
    const state = { width: w.cols, current: empty(), next: empty() };
    return ops.rows(ops.causalConv(longer, w, [{ rows: longer.rows, state }]), past, x.rows);
  });
}

function taps(cause: string, says: string, change: Parameters<typeof withRows>[1]): Mistake {
  return bug(cause, says, (ops) => ({ causalConv: (x, w, spans) => ops.causalConv(x, withRows(w, change), spans) }));
}

export const shortConvMistakes: readonly Mistake[] = [
  slices("swapped-c-b", "B and C exchanged", [1, 0, 2]),
  slices("swapped-c-x", "C and x exchanged", [0, 2, 1]),
  taps("flipped-taps", "the taps of the convolution flipped", (row) => row.reverse()),
  taps("missing-tap", "no tap on the newest position", (row) => row.with(-1, 0)),
  bug("reversed-channels", "the taps of the channels in reverse order", (ops) => ({
    causalConv: (x, w, spans) =>
      ops.causalConv(
        x,
        rowsFrom(w, (row) => w.rows - 1 - row),
        spans,
      ),
  })),
  bug("conv-delayed", "the convolution one position late", (ops) => ({
    causalConv: (x, w, spans) =>
      ops.causalConv(
        byRow(x, (row, t, before) => before(t - 1) ?? row.map(() => 0)),
        w,
        spans,
      ),
  })),
  bug("conv-activation", "silu after the convolution", (ops) => ({
    causalConv: (x, w, spans) => ops.swiglu(ops.causalConv(x, w, spans), ones(x)),
  })),
  gate("activated-b", "silu of B", 0, silu),
  gate("activated-b", "sigmoid of B", 0, sigmoid),
  gate("activated-c", "silu of C", 1, silu),
  gate("activated-c", "sigmoid of C", 1, sigmoid),
  gate("missing-b", "B left out", 0, ones),
  gate("missing-c", "C left out", 1, ones),
  bug("conv-padded-right", "zeros after the sequence instead of before it", (ops) => ({
    causalConv: (x, w) => paddedRight(ops, x, w),
  })),
  bug("in-proj-interleaved", "the rows of in_proj in turns instead of thirds", (ops) => ({
    linear: (x, w) =>
      w.path.endsWith(".in_proj")
        ? reordered(ops.linear(x, w), (c) => (c % 3) * (w.rows / 3) + Math.floor(c / 3))
        : ops.linear(x, w),
  })),
  ...state("conv-state-off-by-one", "one position old", late(1)),
  ...state("conv-state-lost", "empty", () => undefined),
  ...state("conv-state-of-x", "holding x instead of B · x", late(0), ([, , x]) => x),
  ...state("conv-state-gated", "holding what was multiplied by C", late(0), ([, c], product, ops) =>
    ops.mul(c, product),
  ),
  ...state("conv-state-reversed", "in reverse order", (from, j) => from - 1 - j),
  ...state("conv-state-replaced", "knowing the last position alone", (from, j, width) =>
    j === width - 2 ? from - 1 : undefined,
  ),
];
