// Codes for 32 weights at equal steps, as in Q4_0, Q4_1, Q5_0 and Q5_1: nothing is searched for, the range decides.
//
// Every operation is rounded to float32, so that the bytes are gguf-py's. Source: gguf-py quants.py.

/** The weight of largest magnitude, with its sign; of equal ones the first. */
export function extremeOf(from: Float32Array, at: number): number {
  let extreme = from[at];
  for (let i = 1; i < 32; i++) if (Math.abs(from[at + i]) > Math.abs(extreme)) extreme = from[at + i];
  return extreme;
}

const range = { low: 0, high: 0 };

/** The least and the greatest weight, in an object that the next call overwrites. */
export function rangeOf(from: Float32Array, at: number): { readonly low: number; readonly high: number } {
  range.low = from[at];
  range.high = from[at];
  for (let i = 1; i < 32; i++) {
    const weight = from[at + i];
    if (weight < range.low) range.low = weight;
    if (weight > range.high) range.high = weight;
  }
  return range;
}

/** codes[i] = the nearest to (from[at + i] − low) / d + zero in [0, maxCode]; halves go up. d is not yet a half. */
export function stepCodes(
  from: Float32Array,
  at: number,
  low: number,
  d: number,
  zero: number,
  maxCode: number,
  codes: Uint8Array,
): void {
  const inverse = d === 0 ? 0 : Math.fround(1 / d);
  const up = zero + 0.5;
  for (let i = 0; i < 32; i++) {
    const steps = Math.fround(Math.fround(from[at + i] - low) * inverse);
    const code = Math.fround(steps + up) | 0;
    codes[i] = code < 0 ? 0 : code > maxCode ? maxCode : code;
  }
}
