// The search that the K-quants' encoders share: which scale, or scale and minimum, loses least over a run of weights.
//
// Loss is Σ importance[i] · (decoded[i] − x[i])². Starting from a few guesses, codes are chosen for a scale, then the scale
// is set to the least-squares solution for those codes, twice. The loss at that solution follows from the sums, so each
// guess costs one pass over the weights. Idea and importances: llama.cpp's make_qkx2_quants and make_qx_quants,
// which try more guesses once each.

/** 256 weights being encoded. Float64, so that differences of sums keep their digits. */
export interface Scratch {
  readonly x: Float64Array;
  readonly importance: Float64Array;
  /** importance · x */
  readonly weighted: Float64Array;
}

export function createScratch(): Scratch {
  return { x: new Float64Array(256), importance: new Float64Array(256), weighted: new Float64Array(256) };
}

/** Where a search leaves what it found: one object for all blocks, as there are millions of them. */
export interface Found {
  scale: number;
  min: number;
}

/** In codes: where guesses begin, from the scale at which the weights just fill the range, and how far apart they are. */
const FIRST_GUESS = -1.5;
const GUESS_STEP = 0.5;
const GUESSES = 5;
const ROUNDS = 2;

/**
 * The scale and minimum for x ≈ scale · code − min, code in [0, maxCode], over the weights [begin, end) of `scratch`.
 * Both are at least 0: a run above zero is coded from zero up.
 */
export function searchScaleAndMin(scratch: Scratch, begin: number, end: number, maxCode: number, found: Found): void {
  const { x, importance, weighted } = scratch;
  let low = 0;
  let high = x[begin];
  let sumW = 0;
  let sumX = 0;
  let sumXX = 0;
  for (let i = begin; i < end; i++) {
    if (x[i] < low) low = x[i];
    if (x[i] > high) high = x[i];
    sumW += importance[i];
    sumX += weighted[i];
    sumXX += weighted[i] * x[i];
  }
  found.scale = 0;
  found.min = -low;
  if (high <= low) return;
  let least = Number.POSITIVE_INFINITY;
  for (let guess = 0; guess < GUESSES; guess++) {
    let inverse = (maxCode + FIRST_GUESS + GUESS_STEP * guess) / (high - low);
    let offset = low;
    for (let round = 0; round < ROUNDS; round++) {
      let sumC = 0;
      let sumCC = 0;
      let sumCX = 0;
      for (let i = begin; i < end; i++) {
        let code = ((x[i] - offset) * inverse + 0.5) | 0;
        if (code < 0) code = 0;
        if (code > maxCode) code = maxCode;
        const importantCode = importance[i] * code;
        sumC += importantCode;
        sumCC += importantCode * code;
        sumCX += weighted[i] * code;
      }
      const determinant = sumW * sumCC - sumC * sumC;
      if (determinant <= 0) break; // one code for all
      let scale = (sumW * sumCX - sumX * sumC) / determinant;
      offset = (sumCC * sumX - sumC * sumCX) / determinant;
      if (offset > 0) {
        offset = 0;
        scale = sumCX / sumCC;
      }
      if (!(scale > 0)) break;
      const loss =
        scale * scale * sumCC + 2 * scale * (offset * sumC - sumCX) + offset * (offset * sumW - 2 * sumX) + sumXX;
      if (loss < least) {
        least = loss;
        found.scale = scale;
        found.min = -offset;
      }
      inverse = 1 / scale;
    }
  }
}

/** The loss of the weights [begin, end) when decoded as scale · code − min, each by the code that is best for it. */
export function lossOf(
  { x, importance }: Scratch,
  begin: number,
  end: number,
  maxCode: number,
  scale: number,
  min: number,
): number {
  const inverse = scale > 0 ? 1 / scale : 0;
  let loss = 0;
  for (let i = begin; i < end; i++) {
    let code = ((x[i] + min) * inverse + 0.5) | 0;
    if (code < 0) code = 0;
    if (code > maxCode) code = maxCode;
    const error = scale * code - min - x[i];
    loss += importance[i] * error * error;
  }
  return loss;
}

/**
 * The scale for x ≈ scale · (code − half), code in [0, 2 · half), over the weights [begin, end) of `scratch`. Its sign is
 * such that the largest weight gets the one code without an opposite; 0 where all weights are 0.
 */
export function searchScale({ x, importance, weighted }: Scratch, begin: number, end: number, half: number): number {
  let extreme = 0;
  for (let i = begin; i < end; i++) if (Math.abs(x[i]) > Math.abs(extreme)) extreme = x[i];
  if (extreme === 0) return 0;
  let found = 0;
  let most = 0;
  for (let guess = 0; guess < GUESSES; guess++) {
    let inverse = (half + FIRST_GUESS + 0.5 + GUESS_STEP * guess) / -extreme;
    for (let round = 0; round < ROUNDS; round++) {
      let sumCC = 0;
      let sumCX = 0;
      for (let i = begin; i < end; i++) {
        let code = (x[i] * inverse + half + 0.5) | 0;
        if (code < 0) code = 0;
        if (code > 2 * half - 1) code = 2 * half - 1;
        code -= half;
        sumCC += importance[i] * code * code;
        sumCX += weighted[i] * code;
      }
      if (!(sumCC > 0)) break;
      // The loss is Σ importance · x² less this.
      const gain = (sumCX * sumCX) / sumCC;
      if (gain > most) {
        most = gain;
        found = sumCX / sumCC;
      }
      inverse = sumCC / sumCX;
    }
  }
  return found;
}

/** The loss of the weights [begin, end) when decoded as scale · (code − half), each by the code that is best for it. */
export function signedLossOf(
  { x, importance }: Scratch,
  begin: number,
  end: number,
  half: number,
  scale: number,
): number {
  const inverse = scale === 0 ? 0 : 1 / scale;
  let loss = 0;
  for (let i = begin; i < end; i++) {
    let code = (x[i] * inverse + half + 0.5) | 0;
    if (code < 0) code = 0;
    if (code > 2 * half - 1) code = 2 * half - 1;
    const error = scale * (code - half) - x[i];
    loss += importance[i] * error * error;
  }
  return loss;
}
