// The same numbers under other shapes: rows left out, axes joined, taken apart or exchanged.
import type { RecordedPoint } from "./recorded-run.ts";

type Numbers = Float32Array | Int32Array;

/** Rows from … from + count − 1 alone. */
export function rowsFrom(point: RecordedPoint, from: number, count: number): RecordedPoint {
  if (from === 0 && count === point.rows) return point;
  const read: RecordedPoint["read"] = (at, some) => point.read(from + at, some);
  return { ...point, rows: count, axes: undefined, readNumbers: undefined, read };
}

/** The first columns alone. */
export function columnsTo(point: RecordedPoint, cols: number): RecordedPoint {
  return {
    ...point,
    cols,
    axes: undefined,
    readNumbers: undefined,
    async read(from, count) {
      const wide = await point.read(from, count);
      const narrow = likeThese(wide, count * cols);
      for (let row = 0; row < count; row++) {
        narrow.set(wide.subarray(row * point.cols, row * point.cols + cols), row * cols);
      }
      return narrow;
    },
  };
}

/** The first rows · cols numbers, as they stand, in rows of another length. */
export function inRowsOf(point: RecordedPoint, rows: number, cols: number): RecordedPoint {
  return {
    ...point,
    rows,
    cols,
    axes: undefined,
    readNumbers: undefined,
    async read(from, count) {
      const [begin, end] = [from * cols, (from + count) * cols];
      if (point.readNumbers !== undefined) return point.readNumbers(begin, end - begin);
      const first = Math.floor(begin / point.cols);
      const numbers = await point.read(first, Math.ceil(end / point.cols) - first);
      return numbers.slice(begin - first * point.cols, end - first * point.cols);
    },
  };
}

/** More is not turned round: 1 GiB of float32. */
const MAX_NUMBERS = 1 << 28;

/**
 * Axes in another order, of an array that is read whole once.
 * @param placeOf  of a row's column among the stored numbers
 * @returns undefined for an array too large to be held
 */
export function rearranged(
  point: RecordedPoint,
  rows: number,
  cols: number,
  placeOf: (row: number, col: number) => number,
): RecordedPoint | undefined {
  if (point.rows * point.cols > MAX_NUMBERS) return undefined;
  let whole: Promise<Numbers> | undefined;
  return {
    ...point,
    rows,
    cols,
    axes: undefined,
    readNumbers: undefined,
    async read(from, count) {
      whole ??= point.read(0, point.rows);
      const numbers = await whole;
      const some = likeThese(numbers, count * cols);
      for (let row = 0; row < count; row++) {
        for (let col = 0; col < cols; col++) some[row * cols + col] = numbers[placeOf(from + row, col)];
      }
      return some;
    },
  };
}

function likeThese(numbers: Numbers, length: number): Numbers {
  return numbers instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
}
