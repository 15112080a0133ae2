// Weights that are a little off: the results of one module alone are, in every number, and no more in one than in another.
import type { Diagnosis } from "./guesses.ts";
import type { Side } from "./site.ts";

/** The most that a result is off, in part of its numbers. */
const SMALL = 0.05;
/** Of the numbers that differ, those that are off by less than a hundredth of the mean. */
const UNTOUCHED = 0.1;
/** The errors of the row that has the largest ones, beside those of the row with the smallest, in part of its numbers. */
const EVEN = 8;
/** Correlation of errors and numbers: a scale, a clamp or a cap moves numbers one way. */
const ONE_WAY = 0.3;

/**
 * Given: the modules of the same kind elsewhere, or the rows that met other experts, are what is specified, so that no
 * rounding of the arithmetic makes the errors.
 *
 * @param place  "model.layers.2.conv"
 * @param rows   those that differ
 */
export function perturbedWeights(
  place: string,
  own: Float32Array,
  specified: Float32Array,
  cols: number,
  rows: readonly number[],
  { label }: Side,
): Diagnosis | undefined {
  const parts: number[] = [];
  let [errors, numbers, product] = [0, 0, 0];
  for (const row of rows) {
    let [square, size] = [0, 0];
    for (let i = row * cols; i < (row + 1) * cols; i++) {
      const error = own[i] - specified[i];
      square += error ** 2;
      size += specified[i] ** 2;
      product += error * specified[i];
    }
    parts.push(Math.sqrt(square / size));
    errors += square;
    numbers += size;
  }
  const mean = Math.sqrt(errors / (rows.length * cols));
  const untouched = rows.flatMap((row) =>
    Array.from({ length: cols }, (_, c) => Math.abs(own[row * cols + c] - specified[row * cols + c]) < mean / 100),
  );
  const size = Math.sqrt(errors / numbers);
  const isEven =
    Math.max(...parts) <= EVEN * Math.min(...parts) &&
    untouched.filter(Boolean).length <= UNTOUCHED * untouched.length &&
    Math.abs(product) <= ONE_WAY * Math.sqrt(errors * numbers);
  if (rows.length < 2 || !(size <= SMALL) || !isEven) return undefined;
  const percent = (100 * size).toPrecision(2);
  return {
    ...{ cause: "perturbed-weight", kind: "bug", side: label, says: `the weights of ${place} a little off` },
    evidence:
      `what ${label} recorded there is off by ${percent} % of its size, in every column alike and in no direction, while ` +
      "what does not need these weights is what is specified",
  };
}
