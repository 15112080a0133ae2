// The gated short convolution: gates, taps, and a state that is not what it should be.
import type { ConvSpan, Tensor } from "../../ops/ops.ts";
import { sigmoidOf } from "../../reference/elementwise.ts";
import { type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";
import { byRow, ones, rearranged, reordered, withRows } from "./columns.ts";
import { inParts, type Mistake, type Scene } from "./mistake.ts";

const { bug } = inParts("short convolution");

/** in_proj's slices B, C and x, changed. */
function slices(cause: string, says: string, change: (slices: readonly Tensor[]) => Tensor[]): Mistake {
  return bug(cause, says, (ops) => ({ split: (x, parts) => change(ops.split(x, parts)) }));
}

const silu = (row: Float32Array): Float32Array => row.map((value) => value * sigmoidOf(value));
const sigmoid = (row: Float32Array): Float32Array => row.map(sigmoidOf);

/** The taps of the channels, changed or exchanged. */
const taps = (cause: string, says: string, change: (row: Float32Array) => Float32Array): Mistake =>
  bug(cause, says, (ops) => ({ causalConv: (x, w, spans) => ops.causalConv(x, withRows(w, change), spans) }));

/** Which rows may have begun a step. */
const steps = {
  "every position": (row: number, second: number) => row >= second,
  "the beginning of every step": (row: number, second: number) => row % second === 0,
};

/** What a step finds `back` rows before its first row `from`, 1 ≤ back < width; undefined for zeros. */
type Remembered = (at: {
  readonly from: number;
  readonly back: number;
  readonly width: number;
  /** Rows of what the convolution reads, and of the slices that it is made of. */
  readonly row: (t: number) => Float32Array | undefined;
  readonly slice: (index: number, t: number) => Float32Array | undefined;
}) => Float32Array | undefined;

function state(cause: string, what: string, remembered: Remembered): Mistake[] {
  return Object.entries(steps).map(([when, isStart]) =>
    bug(cause, `the convolution's state ${what} at ${when}`, (ops, _, scene) => {
      let parts: readonly Tensor[] = [];
      return {
        split(x, count) {
          parts = ops.split(x, count);
          return [...parts];
        },
        causalConv: (x, w) =>
          lazyTensor(x.rows, x.cols, () => ops.causalConv(x, w, spansOf(x, parts, w.cols, remembered, isStart, scene))),
      };
    }),
  );
}

function spansOf(
  x: Tensor,
  parts: readonly Tensor[],
  width: number,
  remembered: Remembered,
  isStart: (row: number, second: number) => boolean,
  { begin, second }: Scene,
): ConvSpan[] {
  const rows = Array.from({ length: x.rows }, (_, t) => t);
  const starts = rows.filter((t) => t === 0 || (second > 0 && isStart(begin + t, second)));
  const rowIn = (of: Tensor, t: number) => (t < 0 || t >= of.rows ? undefined : rowOf(of as ReferenceTensor, t));
  return starts.map((from, i) => {
    const current = new Float32Array((width - 1) * x.cols);
    for (let back = 1; back < width; back++) {
      const row = (t: number) => rowIn(x, t);
      const slice = (index: number, t: number) => rowIn(parts[index], t);
      const found = remembered({ from, back, width, row, slice });
      if (found !== undefined) current.set(found, (width - 1 - back) * x.cols);
    }
    const next = new Float32Array(current.length);
    return { rows: (starts[i + 1] ?? x.rows) - from, state: { width, spare: 0, current, next, taken: 0 } };
  });
}

export const shortConvMistakes: readonly Mistake[] = [
  slices("swapped-c-b", "B and C exchanged", ([b, c, x]) => [c, b, x]),
  slices("swapped-c-x", "C and x exchanged", ([b, c, x]) => [b, x, c]),
  slices("missing-b", "no gate before the convolution", ([b, c, x]) => [ones(b), c, x]),
  slices("missing-c", "no gate after the convolution", ([b, c, x]) => [b, ones(c), x]),
  slices("activated-b", "silu of B", ([b, c, x]) => [byRow(b, silu), c, x]),
  slices("activated-b", "sigmoid of B", ([b, c, x]) => [byRow(b, sigmoid), c, x]),
  slices("activated-c", "silu of C", ([b, c, x]) => [b, byRow(c, silu), x]),
  slices("activated-c", "sigmoid of C", ([b, c, x]) => [b, byRow(c, sigmoid), x]),
  bug(
    "in-proj-interleaved",
    "B, C and x taken from every third row of in_proj instead of a third of its rows each",
    (ops) => ({
      linear: (x, w) =>
        w.path.endsWith("in_proj")
          ? reordered(ops.linear(x, w), (c) => (c % 3) * (w.rows / 3) + Math.floor(c / 3))
          : ops.linear(x, w),
    }),
  ),
  taps("flipped-taps", "the taps of the convolution flipped", (row) => row.reverse()),
  taps("missing-tap", "no tap on the newest position", (row) => row.map((tap, i) => (i === row.length - 1 ? 0 : tap))),
  taps("missing-tap", "no tap on the oldest position", (row) => row.map((tap, i) => (i === 0 ? 0 : tap))),
  bug("reversed-channels", "the taps of the channels in reverse order", (ops) => ({
    causalConv: (x, w, spans) =>
      ops.causalConv(
        x,
        rearranged(w, (i) => (w.rows - 1 - Math.floor(i / w.cols)) * w.cols + (i % w.cols)),
        spans,
      ),
  })),
  ...[1, 2, 3, 4, -1, -2, -3, -4].map((by) =>
    bug(
      "weights-of-other-layer",
      `the taps of the layer ${Math.abs(by)} ${by > 0 ? "after" : "before"} it`,
      (ops, _, scene) => ({
        causalConv: (x, w, spans) =>
          ops.causalConv(x, scene.weight(w.path.replace(/\.(\d+)\./, (_, n) => `.${Number(n) + by}.`)) ?? w, spans),
      }),
    ),
  ),
  bug("conv-delayed", "the convolution one position late", (ops) => ({
    causalConv: (x, w, spans) =>
      ops.causalConv(
        byRow(x, (row, t, other) => other(t - 1) ?? row.map(() => 0)),
        w,
        spans,
      ),
  })),
  bug("conv-padded-right", "zeros after the sequence instead of before it", (ops) => ({
    causalConv: (x, w) =>
      lazyTensor(x.rows, x.cols, () => {
        const past = w.cols - 1;
        const later = byRow(x, (row, t, other) => other(t + past) ?? row.map(() => 0));
        const current = (ops.rows(x, 0, past) as ReferenceTensor).data.slice();
        const state = { width: w.cols, spare: 0, current, next: new Float32Array(current.length), taken: 0 };
        return ops.causalConv(later, w, [{ rows: x.rows, state } as ConvSpan]);
      }),
  })),
  bug("conv-activation", "silu after the convolution", (ops) => ({
    causalConv: (x, w, spans) => ops.swiglu(ops.causalConv(x, w, spans), ones(x)),
  })),
  ...state("conv-state-off-by-one", "one position old", ({ from, back, row }) => row(from - 1 - back)),
  ...state("conv-state-lost", "empty", () => undefined),
  ...state("conv-state-of-x", "of x instead of B ⊙ x", ({ from, back, slice }) => slice(2, from - back)),
  ...state("conv-state-gated", "multiplied by C", ({ from, back, row, slice }) => {
    const gate = slice(1, from - back);
    return row(from - back)?.map((value, c) => value * (gate?.[c] ?? 0));
  }),
  ...state("conv-state-reversed", "in reverse order", ({ from, back, width, row }) => row(from - (width - back))),
  ...state("conv-state-replaced", "of the last position alone", ({ from, back, row }) =>
    back === 1 ? row(from - 1) : undefined,
  ),
];
