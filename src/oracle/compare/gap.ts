// How far numbers lie from the numbers they should be: the largest differences and where, and the whole in one figure.

/** A number is within tolerance when |actual − expected| ≤ atol + rtol · |expected|. */
export interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

export interface Gap {
  readonly count: number;
  /** Largest |actual − expected|; ∞ where one of the two is NaN, or infinite alone. */
  readonly maxAbs: number;
  /** Index of `maxAbs`, the first of several; −1 where nothing differs. */
  readonly maxAbsIndex: number;
  /** Largest |actual − expected| / |expected|; ∞ where zero was expected and something else found. */
  readonly maxRel: number;
  readonly maxRelIndex: number;
  /** √(Σ(actual − expected)² / Σ expected²): 0.01 is an error of one percent. */
  readonly rmsRelative: number;
  /** Of the angle between the two as vectors: 1 when they point the same way. NaN where a number is not finite. */
  readonly cosine: number;
  /** Largest |expected| among the finite ones. */
  readonly largest: number;
  /** Numbers outside tolerance, and the first of them; −1 where there is none. */
  readonly mismatched: number;
  readonly mismatchedIndex: number;
  readonly notFinite: {
    /** NaN and ±∞ among the actual numbers, and among the expected ones. */
    readonly actual: number;
    readonly expected: number;
    /** The first place where the two sides are not the same infinity or both finite; −1 where there is none. */
    readonly index: number;
  };
}

/** Takes numbers piece by piece, so that a tensor need not be in memory as a whole. */
export interface GapMeter {
  /** @throws RangeError when the two are not as many */
  add(actual: ArrayLike<number>, expected: ArrayLike<number>): void;
  result(): Gap;
}

export const EXACT: Tolerance = { atol: 0, rtol: 0 };

/**
 * Every figure of {@link Gap} in one pass, with sums in float64.
 *
 * A NaN is never within tolerance, not even of another NaN; an infinity only of the same infinity.
 *
 * @throws RangeError when the two are not as many
 */
export function measureGap(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: Tolerance = EXACT): Gap {
  const meter = createGapMeter(tolerance);
  meter.add(actual, expected);
  return meter.result();
}

export function createGapMeter({ atol, rtol }: Tolerance = EXACT): GapMeter {
  let count = 0;
  let [maxAbs, maxAbsIndex, maxRel, maxRelIndex] = [0, -1, 0, -1];
  let [mismatched, mismatchedIndex, largest] = [0, -1, 0];
  let [squaredError, squaredExpected, squaredActual, product] = [0, 0, 0, 0];
  let [notFiniteActual, notFiniteExpected, notFiniteIndex] = [0, 0, -1];
  return {
    add(actual, expected) {
      if (actual.length !== expected.length) {
        throw new RangeError(`numbers: expected ${expected.length}, found ${actual.length}. Compare equal shapes.`);
      }
      for (let i = 0; i < expected.length; i++) {
        const [a, e, index] = [actual[i], expected[i], count + i];
        let error = Math.abs(a - e);
        if (!(Number.isFinite(a) && Number.isFinite(e))) {
          if (!Number.isFinite(a)) notFiniteActual++;
          if (!Number.isFinite(e)) notFiniteExpected++;
          if (a === e) continue; // the same infinity
          if (notFiniteIndex < 0) notFiniteIndex = index;
          error = Number.POSITIVE_INFINITY;
        } else {
          largest = Math.max(largest, Math.abs(e));
          squaredError += error * error;
          squaredExpected += e * e;
          squaredActual += a * a;
          product += a * e;
        }
        if (error > maxAbs) [maxAbs, maxAbsIndex] = [error, index];
        const relative = error === 0 || error === Number.POSITIVE_INFINITY ? error : error / Math.abs(e);
        if (relative > maxRel) [maxRel, maxRelIndex] = [relative, index];
        if (error === Number.POSITIVE_INFINITY || error > atol + rtol * Math.abs(e)) {
          mismatched++;
          if (mismatchedIndex < 0) mismatchedIndex = index;
        }
      }
      count += expected.length;
    },
    result() {
      const broken = notFiniteIndex >= 0;
      return {
        count,
        maxAbs,
        maxAbsIndex,
        maxRel,
        maxRelIndex,
        rmsRelative: broken ? Number.POSITIVE_INFINITY : ratio(Math.sqrt(squaredError), Math.sqrt(squaredExpected)),
        cosine: broken ? Number.NaN : cosineOf(product, squaredActual, squaredExpected),
        largest,
        mismatched,
        mismatchedIndex,
        notFinite: { actual: notFiniteActual, expected: notFiniteExpected, index: notFiniteIndex },
      };
    },
  };
}

function ratio(error: number, expected: number): number {
  return error === 0 ? 0 : error / expected;
}

/** Two zero vectors point the same way; a zero vector and another do not. */
function cosineOf(product: number, squaredActual: number, squaredExpected: number): number {
  if (squaredActual === 0 || squaredExpected === 0) return squaredActual === squaredExpected ? 1 : 0;
  // Each root alone, for the product of the squares may leave float64's range.
  return Math.min(1, Math.max(-1, product / Math.sqrt(squaredActual) / Math.sqrt(squaredExpected)));
}
