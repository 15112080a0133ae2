// Weights that are a little off: the results of one module alone are, in every number, and no more in one than in another.
import type { Diagnosis } from "../guesses.ts";
import type { Side } from "../site.ts";

/** The most that a result is off, in part of its numbers. */
const SMALL = 0.05;
/** Of the numbers that differ, those that are off by less than a hundredth of the mean. */
const UNTOUCHED = 0.1;
/** The errors of the row that has the largest ones, beside those of the row with the smallest, in part of its numbers. */
const EVEN = 8;
/** Correlation of errors and numbers: a scale, a clamp or a cap moves numbers one way. */
const ONE_WAY = 0.3;

/** What is as specified is off by less than this part of what is not. */
const ELSEWHERE = 0.05;

/** Of the errors of a norm, what other gains leave. */
const LEFT_BY_GAINS = 0.01;

interface Numbers {
  readonly own: Float32Array;
  readonly specified: Float32Array;
  readonly cols: number;
  /** What a number of a row may be off by. */
  readonly allowed: (row: number, specified: number) => number;
}

/**
 * Only where the same operation is as specified elsewhere, so that no rounding of the arithmetic makes the errors: in
 * other layers, or in rows that met other experts.
 *
 * @param path     "model.layers.2.conv"
 * @param experts  that the rows that differ have in common
 * @param others   how far the modules of the same kind are off that are as specified
 */
export function perturbedWeights(
  path: string,
  numbers: Numbers,
  experts: readonly number[],
  others: readonly number[],
  { label }: Side,
): Diagnosis | undefined {
  const { own, specified, cols, allowed } = numbers;
  const rows = Array.from({ length: own.length / cols }, (_, t) => t);
  const differs = (t: number): boolean =>
    rowOf(specified, t, cols).some((value, c) => !(Math.abs(own[t * cols + c] - value) <= allowed(t, value)));
  const [differing, same] = [rows.filter(differs), rows.filter((t) => !differs(t))];
  const isOfExpert = experts.length === 1 && same.length > 0;
  const elsewhere = isOfExpert ? [errorsOf(numbers, same).size] : others;
  const { size, parts, direction, untouched } = errorsOf(numbers, differing);
  const isEven = Math.max(...parts) <= EVEN * Math.min(...parts) && untouched <= UNTOUCHED && direction <= ONE_WAY;
  const isHereAlone = elsewhere.length > 0 && Math.max(...elsewhere) <= ELSEWHERE * size;
  if (differing.length < 2 || !(size <= SMALL) || !isEven || !isHereAlone) return undefined;
  if (path.endsWith("_norm") && !isOfGains(numbers)) return undefined;
  const place = isOfExpert ? `expert ${experts[0]} of ${path}` : path;
  return {
    ...{ cause: "perturbed-weight", kind: "bug", side: label, says: `the weights of ${place} a little off` },
    evidence:
      `what ${label} recorded there is off by ${(100 * size).toPrecision(2)} % of its size, in every column alike and in no ` +
      "direction, while what does not need these weights is what is specified",
  };
}

/** Whether every column is what is specified times a number of its own. */
function isOfGains({ own, specified, cols }: Numbers): boolean {
  let [left, all] = [0, 0];
  for (let column = 0; column < cols; column++) {
    let [error, product, square] = [0, 0, 0];
    for (let i = column; i < own.length; i += cols) {
      error += (own[i] - specified[i]) ** 2;
      product += (own[i] - specified[i]) * specified[i];
      square += specified[i] ** 2;
    }
    left += error - (square > 0 ? product ** 2 / square : 0);
    all += error;
  }
  return left <= LEFT_BY_GAINS * all;
}

function rowOf(all: Float32Array, t: number, cols: number): Float32Array {
  return all.subarray(t * cols, (t + 1) * cols);
}

function errorsOf({ own, specified, cols }: Numbers, rows: readonly number[]) {
  const parts: number[] = [];
  let [errors, numbers, product] = [0, 0, 0];
  for (const t of rows) {
    let [square, size] = [0, 0];
    for (const [c, value] of rowOf(specified, t, cols).entries()) {
      const error = own[t * cols + c] - value;
      square += error ** 2;
      size += value ** 2;
      product += error * value;
    }
    parts.push(Math.sqrt(square / size));
    errors += square;
    numbers += size;
  }
  const least = Math.sqrt(errors / (rows.length * cols)) / 100;
  const still = rows.map((t) =>
    rowOf(own, t, cols).reduce((sum, value, c) => sum + Number(Math.abs(value - specified[t * cols + c]) < least), 0),
  );
  return {
    size: Math.sqrt(errors / numbers),
    /** The error of each row, in part of its numbers. */
    parts,
    direction: Math.abs(product) / Math.sqrt(errors * numbers),
    /** The share of numbers that are hardly off. */
    untouched: still.reduce((sum, count) => sum + count, 0) / (rows.length * cols),
  };
}
