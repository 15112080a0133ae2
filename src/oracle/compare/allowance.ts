// What every number of a point may be off by: the same for all, or by its row, so that an outlier hides nothing beside it.
import type { RunTolerance } from "./tolerance.ts";

export interface Allowance {
  /** Of every row, what any of its numbers may be off by. */
  readonly rows: Float64Array;
  /** A number may also be off by this part of itself. */
  readonly ofNumber: number;
}

/** Takes a point row by row. */
export interface AllowanceMeter {
  /** The part of itself that a number may be off by, whatever the rows come to. */
  readonly ofNumber: number;
  /** Given: rows in their order. */
  add(row: ArrayLike<number>): void;
  /** @param largest  of all numbers that are finite */
  result(largest: number): Allowance;
}

/** Of a row, the share of its numbers that may be outliers. */
const OUTLIERS = 1 / 16;
/**
 * A number larger than this many times the root mean square of the others is an outlier. Products of products have the
 * longest tails: with fewer times than 9, clean runs in bfloat16 leave the factor at conv.out_proj.input, whose largest
 * numbers they otherwise keep to.
 */
const TIMES = 10;

/**
 * Without outliers in view, factor × max(1, the largest number). With them, factor × the largest number, but no more than
 * `TIMES` times what a row's numbers are without its outliers, or those of the middle one of all rows, whichever is more.
 */
export function createAllowanceMeter(
  { factor, minds }: Pick<RunTolerance, "factor" | "minds">,
  count: number,
): AllowanceMeter {
  if (minds === undefined) {
    const rows = new Float64Array(count);
    return {
      ofNumber: 0,
      add() {},
      result: (largest) => ({ rows: rows.fill(factor * Math.max(1, largest)), ofNumber: 0 }),
    };
  }
  const scales = new Float64Array(count);
  let at = 0;
  return {
    ofNumber: factor,
    add(row) {
      scales[at++] = withoutOutliers(row);
    },
    result(largest) {
      const middle = scales.slice().sort()[count >> 1];
      const rows = scales.map((scale) => factor * Math.min(largest, TIMES * Math.max(scale, middle)));
      return { rows, ofNumber: factor };
    },
  };
}

/** Of rows at hand, whose own numbers say what is an outlier. */
export function allowanceOf(numbers: ArrayLike<number>, cols: number, tolerance: RunTolerance): Allowance {
  const rows = Float64Array.from(numbers);
  const meter = createAllowanceMeter(tolerance, rows.length / cols);
  for (let at = 0; at < rows.length; at += cols) meter.add(rows.subarray(at, at + cols));
  return meter.result(
    rows.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0),
  );
}

/** What a number of a row may be off by. */
export function allowedAt({ rows, ofNumber }: Allowance, row: number, value: number): number {
  return Math.max(rows[row], ofNumber * Math.abs(value));
}

/** Root mean square of a row without its largest numbers; of one number, that number. What is not finite is an outlier. */
function withoutOutliers(row: ArrayLike<number>): number {
  const squares = Float64Array.from(row, (value) => (Number.isFinite(value) ? value * value : 0)).sort();
  const rest = squares.subarray(0, Math.max(1, squares.length - Math.ceil(OUTLIERS * squares.length)));
  return Math.sqrt(rest.reduce((sum, square) => sum + square, 0) / rest.length);
}
