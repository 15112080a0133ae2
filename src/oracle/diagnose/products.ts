// Products with weights, of all columns or of a few: summed in float64, which is faster here than rounding every step is.
import type { Ops } from "../../ops/ops.ts";
import { weightRow } from "../../reference/linear.ts";
import {
  createTensor,
  type ReferenceExpertIds,
  type ReferenceTensor,
  type ReferenceWeight,
  rowOf,
} from "../../reference/tensor.ts";
import type { Work } from "./work.ts";

/** Columns of a product that stand for all of them. */
const SAMPLE = 64;

/** Whether a few columns are so much less than all that it pays to look at them first. */
export const isWide = (cols: number): boolean => cols > 4 * SAMPLE;

/** Some columns of a wide product, ascending: such as lie apart from each other, and `others`, of as many or more columns. */
export function sampleOf(cols: number, others: readonly number[]): readonly number[] {
  if (!isWide(cols)) return all(cols);
  // A golden section is in step with nothing.
  const spread = all(SAMPLE).map((i) => Math.floor(((i * 0.618034) % 1) * cols));
  return [...new Set([...spread, ...others.map((column) => column % cols)])].sort((a, b) => a - b);
}

/** What of a product is computed; the rest is NaN. */
export interface Extent {
  /** By how many columns it has, ascending; all unless stated. */
  readonly columns?: (cols: number) => readonly number[];
  /** The only token, where it is one. */
  readonly token?: number;
}

/** @param work  what they cost is added to it: products of two numbers, and the weights that are decoded for them */
export function createProducts(
  work: Work,
  { columns: columnsOf = all, token }: Extent = {},
): Pick<Ops, "linear" | "expertLinear"> {
  /** Rows `from` of `x` into rows `to` of `y`. */
  function multiply(
    x: ReferenceTensor,
    from: readonly number[],
    w: ReferenceWeight,
    expert: number,
    y: ReferenceTensor,
    to: readonly number[],
  ): void {
    const columns = columnsOf(w.rows);
    const four = [0, 1, 2, 3].map(() => new Float32Array(w.cols));
    work.spent += columns.length * w.cols * (1 + from.length);
    for (let at = 0; at < columns.length; at += 4) {
      // The last ones are computed more than once where they are fewer than four.
      const [a, b, c, d] = [0, 1, 2, 3].map((i) => columns[Math.min(at + i, columns.length - 1)]);
      const [p, q, r, s] = [a, b, c, d].map((row, i) => weightRow(w, row, expert, four[i]));
      for (let i = 0; i < from.length; i++) fourDots(y.data, to[i] * w.rows, a, b, c, d, p, q, r, s, rowOf(x, from[i]));
    }
  }

  const nothing = (rows: number, cols: number): ReferenceTensor => {
    const y = createTensor(rows, cols);
    if (token !== undefined || columnsOf(cols).length < cols) y.data.fill(Number.NaN);
    return y;
  };

  return {
    linear(x: ReferenceTensor, w: ReferenceWeight): ReferenceTensor {
      const y = nothing(x.rows, w.rows);
      const rows = token === undefined ? all(x.rows) : [token];
      multiply(x, rows, w, 0, y, rows);
      return y;
    },
    expertLinear(x: ReferenceTensor, w: ReferenceWeight, { ids, rows, k }: ReferenceExpertIds): ReferenceTensor {
      const y = nothing(rows * k, w.rows);
      const isPerChoice = x.rows === rows * k; // else one row of x serves all k choices of its token
      const counted = all(ids.length).filter((choice) => token === undefined || Math.floor(choice / k) === token);
      for (let expert = 0; expert < w.experts; expert++) {
        const choices = counted.filter((choice) => ids[choice] === expert);
        if (choices.length === 0) continue;
        const given = isPerChoice ? choices : choices.map((choice) => Math.floor(choice / k));
        multiply(x, given, w, expert, y, choices);
      }
      return y;
    },
  };
}

function all(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Σ p[i] · x[i] and so on: four sums wait less for each other than one. */
function fourDots(
  y: Float32Array,
  at: number,
  a: number,
  b: number,
  c: number,
  d: number,
  p: Float32Array,
  q: Float32Array,
  r: Float32Array,
  s: Float32Array,
  x: Float32Array,
): void {
  let [e, g, h, k] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const value = x[i];
    e += p[i] * value;
    g += q[i] * value;
    h += r[i] * value;
    k += s[i] * value;
  }
  y[at + a] = e;
  y[at + b] = g;
  y[at + c] = h;
  y[at + d] = k;
}
