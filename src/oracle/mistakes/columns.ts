// Columns and rows in another order, or made of others: what mistakes do to numbers between operations.
import type { BlockFormat } from "../../blocks/block-format.ts";
import { blockFormats, decodeRow } from "../../blocks/formats.ts";
import type { Tensor, Weight } from "../../ops/ops.ts";
import { weightRow } from "../../reference/linear.ts";
import { createTensor, type ReferenceTensor, type ReferenceWeight, rowOf } from "../../reference/tensor.ts";
import { lazyTensor } from "../diagnose/lazy-ops.ts";

/** Makes a row of the result of a row of `x` and, if it wants them, of others, which past the ends are undefined. */
export type RowChange = (row: Float32Array, t: number, other: (t: number) => Float32Array | undefined) => Float32Array;

export function byRow(x: Tensor, change: RowChange): ReferenceTensor {
  return lazyTensor(x.rows, x.cols, () => {
    const y = createTensor(x.rows, x.cols);
    const other = (t: number) => (t < 0 || t >= x.rows ? undefined : rowOf(x as ReferenceTensor, t));
    for (let t = 0; t < x.rows; t++) rowOf(y, t).set(change(rowOf(x as ReferenceTensor, t), t, other));
    return y;
  });
}

/** Numbers of two tensors of one shape, pair by pair. */
export function combined(a: Tensor, b: Tensor, of: (a: number, b: number) => number): ReferenceTensor {
  return byRow(a, (row, t) => {
    const other = rowOf(b as ReferenceTensor, t);
    return row.map((value, c) => of(value, other[c]));
  });
}

/** Column c of the result is column `from(c)`. */
export function reordered(x: Tensor, from: (column: number) => number): ReferenceTensor {
  return byRow(x, (row) => row.map((_, c) => row[from(c)]));
}

/** [0, 1, 2, 3, …] → [0, 2, …, 1, 3, …] in every head: neighbours become halves. */
export function pairsToHalves(x: Tensor, headDim: number): ReferenceTensor {
  const half = headDim / 2;
  return reordered(x, (c) => c - (c % headDim) + 2 * ((c % headDim) % half) + Math.floor((c % headDim) / half));
}

/** The inverse. */
export function halvesToPairs(x: Tensor, headDim: number): ReferenceTensor {
  return reordered(x, (c) => c - (c % headDim) + ((c % headDim) >> 1) + (c % 2) * (headDim / 2));
}

export function ones({ rows, cols }: Tensor): ReferenceTensor {
  return tensorOf(rows, cols, new Float32Array(rows * cols).fill(1));
}

export function tensorOf(rows: number, cols: number, data: Float32Array): ReferenceTensor {
  return { rows, cols, data, offset: 0, stride: cols };
}

/** Numbers as a weight [rows, cols] for the reference's operations. */
export function weightOf(rows: number, cols: number, data: Float32Array, path = ""): ReferenceWeight {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { path, rows, cols, experts: 1, format: blockFormats.F32, bytes };
}

/** A weight of other numbers, made of its own; one that nobody knows stays unknown. */
export function changed(
  w: Weight,
  change: (numbers: Float32Array) => Float32Array,
  shape: Pick<Weight, "rows" | "cols"> = w,
): Weight {
  const known = w as ReferenceWeight;
  if (known.bytes === undefined) return w;
  const rows = Array.from({ length: w.experts * w.rows }, (_, row) => weightRow(known, row));
  const numbers = new Float32Array(w.experts * w.rows * w.cols);
  for (const [i, row] of rows.entries()) numbers.set(row, i * w.cols);
  return { ...weightOf(shape.rows, shape.cols, change(numbers), w.path), experts: w.experts };
}

/** Every row of a weight changed, of all its experts, when it is read. */
export function withRows(w: Weight, change: (row: Float32Array) => Float32Array): Weight {
  const { format } = w as Partial<ReferenceWeight>;
  if (format === undefined) return w;
  const decodeRun: BlockFormat["decodeRun"] = (bytes, offset, to, at, count) => {
    const row = new Float32Array(count * format.blockLength);
    decodeRow(format, bytes, offset, row, row.length);
    to.set(change(row), at);
  };
  return { ...w, format: { ...format, decodeRun } } as ReferenceWeight;
}

/** A weight whose number i is its number `from(i)`. */
export function rearranged(w: Weight, from: (index: number) => number, shape?: Pick<Weight, "rows" | "cols">): Weight {
  const { rows, cols } = shape ?? w;
  return changed(
    w,
    (numbers) => Float32Array.from({ length: w.experts * rows * cols }, (_, i) => numbers[from(i)]),
    shape,
  );
}
