// What softmax(scores) · v needs to remember while a row walks through the cache: an accumulator for four query heads, one
// head to a lane. Scores are multiplied by log₂ e, so that a weight is 2^score and not e^score.
//
//   byte  0          16     32        48               48 + 16·headDim
//         ├─ maximum ┼─ sum ┼─ scales ┼─ queries ──────┼─ output f32 [headDim / 4, 4 heads, 4] ─┤
//
// Queries are scaled and ordered as attention-float.ts or attention-int8.ts reads them. If fewer than four query heads are
// left, the last one fills the free lanes, and close() drops them.
//
// Scratch begins with what one chunk of 32 positions needs; every row uses it again:
//
//   byte  0                           512                         2560                          2560 + 256·headDim
//         ├─ scores f32 [32, 4 heads] ┼─ weights [32, 4 heads, 4] ┼─ decoded f32 [2, 32, headDim] ┼─ accumulators …
//
/** Positions in a chunk. */
export const CHUNK: i32 = 32;

export const WEIGHTS: usize = 512;
/** Keys, then values, of a chunk in half precision. */
export const DECODED: usize = 2560;

const MAXIMUM: usize = 0;
const SUM: usize = 16;
export const SCALES: usize = 32;
export const QUERIES: usize = 48;

/** log₂ e: queries are multiplied by it. */
export const LOG2E: f32 = 1.4426950408889634;

/** Where the accumulators begin. */
@inline
export function accumulatorsIn(scratch: usize, headDim: i32): usize {
  return scratch + DECODED + 2 * (<usize>(CHUNK * headDim) << 2);
}

@inline
export function accumulatorBytes(headDim: i32): usize {
  return QUERIES + (<usize>headDim << 5);
}

/** Bytes of scratch: what a chunk needs, and for each row an accumulator for every four of a KV head's `group` query heads. */
export function attentionScratch(rows: i32, group: i32, headDim: i32): i32 {
  return <i32>accumulatorsIn(0, headDim) + rows * ((group + 3) >> 2) * <i32>accumulatorBytes(headDim);
}

@inline
export function outputOf(accumulator: usize, headDim: i32): usize {
  return accumulator + QUERIES + (<usize>headDim << 4);
}

/** No position seen yet. */
@inline
export function clear(accumulator: usize, headDim: i32): void {
  v128.store(accumulator, f32x4.splat(-Infinity), MAXIMUM);
  v128.store(accumulator, f32x4.splat(0), SUM);
  memory.fill(outputOf(accumulator, headDim), 0, <usize>headDim << 4);
}

/** Raises the maxima to a chunk's largest scores. Returns the factor for what was summed before; at first it is near 0. */
@inline
export function raise(accumulator: usize, largest: v128): v128 {
  const before = v128.load(accumulator, MAXIMUM);
  const after = f32x4.pmax(before, largest);
  v128.store(accumulator, after, MAXIMUM);
  return exp2f4(f32x4.sub(before, after));
}

/**
 * 2ˣ for x ≤ 0, within 2 ulp, but never less than 2⁻¹⁰⁰: beside the largest weight, 1, a float32 sum does not see that. It
 * takes a third of the work of expf4. Coefficients: Cephes exp2f, for |x| ≤ 1/2.
 */
@inline
export function exp2f4(x: v128): v128 {
  const bounded = f32x4.pmax(x, f32x4.splat(-100)); // NaN stays
  const shifter = f32x4.splat(12582912); // 1.5 · 2²³: adding it leaves the nearest integer in the low bits
  const shifted = f32x4.add(bounded, shifter);
  const r = f32x4.sub(bounded, f32x4.sub(shifted, shifter));
  let p = f32x4.splat(1.535336188319500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.339887440266574e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(9.618437357674640e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.550332471162809e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(2.402264791363012e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(6.931472028550421e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

@inline
export function maximumOf(accumulator: usize): v128 {
  return v128.load(accumulator, MAXIMUM);
}

/** sum = sum · fade + more */
@inline
export function addSum(accumulator: usize, fade: v128, more: v128): void {
  v128.store(accumulator, f32x4.add(f32x4.mul(v128.load(accumulator, SUM), fade), more), SUM);
}

/** y f32[heads, headDim] = output / sum, for the `heads` ≤ 4 lanes that are in use. */
export function close(y: usize, accumulator: usize, heads: i32, headDim: i32): void {
  for (let head = 0; head < heads; head++) {
    const divisor = v128.load32_splat(accumulator + (head << 2), SUM);
    let from = outputOf(accumulator, headDim) + (head << 4);
    for (let d = 0; d < headDim << 2; d += 16) {
      v128.store(y + d, f32x4.div(v128.load(from), divisor));
      from += 64;
    }
    y += headDim << 2;
  }
}
