// One chunk of keys and values in float32 or half precision, for four query heads of a row.
//
// A half is read by moving its bits to where float32 has them, which gives the number times 2⁻¹¹². The missing 2¹¹² is made
// up elsewhere: for keys, queries are multiplied by 2⁶⁴ and scores by 2⁴⁸; for values, weights by 2¹¹². These are powers of
// two, so nothing is rounded.
import { firstHalves, HALVES_MASK, lastHalves, loadHalves, twoTo112, WORD_MASK } from "../f16";
import { splatLane0, splatLane1, splatLane2, splatLane3, sumsF32 } from "../lanes";
import { KV_F16 } from "./kv-cache";
import { addSum, clear, exp2f4, LOG2E, maximumOf, outputOf, QUERIES, raise, WEIGHTS } from "./online-softmax";

/** q f32[heads, headDim] → queries f32[headDim / 4, 4 heads, 4], times log₂ e / √headDim. */
export function openFloat(type: i32, accumulator: usize, q: usize, heads: i32, headDim: i32): void {
  clear(accumulator, headDim);
  const scaling = LOG2E / sqrt<f32>(<f32>headDim);
  const factor = f32x4.splat(type == KV_F16 ? scaling * <f32>18446744073709551616.0 : scaling); // 2⁶⁴
  for (let lane = 0; lane < 4; lane++) {
    const from = q + <usize>min(lane, heads - 1) * (headDim << 2);
    let to = accumulator + QUERIES + (lane << 4);
    for (let d = 0; d < headDim << 2; d += 16) {
      v128.store(to, f32x4.mul(v128.load(from + d), factor));
      to += 64;
    }
  }
}

/** n f16 → f32, times 2⁻¹¹². Returns `to`. The cache holds no infinity, as f32ToF16 saturates. */
export function decodeHalves(to: usize, from: usize, n: i32): usize {
  const decoded = to;
  const mask = i32x4.splat(HALVES_MASK);
  const end = from + (n << 1);
  while (from < end) {
    v128.store(to, loadHalves(from, mask), 0);
    v128.store(to, loadHalves(from + 8, mask), 16);
    v128.store(to, loadHalves(from + 16, mask), 32);
    v128.store(to, loadHalves(from + 24, mask), 48);
    to += 64;
    from += 32;
  }
  return decoded;
}

/**
 * Adds `count` positions to an accumulator. Their keys and values begin at `keys` and `values`: in half precision if
 * `isStored`, else decoded.
 */
@inline
export function attendFloat(
  type: i32,
  isStored: bool,
  accumulator: usize,
  scratch: usize,
  keys: usize,
  values: usize,
  count: i32,
  headDim: i32,
): void {
  const fade = raise(accumulator, score(type, isStored, scratch, accumulator, keys, count, headDim));
  weigh(type, accumulator, scratch, fade, count);
  mix(isStored, accumulator, scratch + WEIGHTS, values, fade, count, headDim);
}

/** scores[position] = queries · keys[position], two positions at a time; returns the largest of each head. */
@inline
function score(
  type: i32,
  isStored: bool,
  scores: usize,
  accumulator: usize,
  keys: usize,
  count: i32,
  headDim: i32,
): v128 {
  const keyBytes: usize = isStored ? headDim << 1 : headDim << 2;
  const mask = i32x4.splat(HALVES_MASK);
  const missing = f32x4.splat(281474976710656); // 2⁴⁸
  let largest = f32x4.splat(-Infinity);
  for (let position = 0; position < count; position += 2) {
    let query = accumulator + QUERIES;
    let key = keys;
    let next = position + 1 < count ? key + keyBytes : key;
    keys += 2 * keyBytes;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (let d = 0; d < headDim; d += 4) {
      const key4 = isStored ? loadHalves(key, mask) : v128.load(key);
      const next4 = isStored ? loadHalves(next, mask) : v128.load(next);
      let query4 = v128.load(query, 0);
      a0 = f32x4.add(a0, f32x4.mul(query4, key4));
      b0 = f32x4.add(b0, f32x4.mul(query4, next4));
      query4 = v128.load(query, 16);
      a1 = f32x4.add(a1, f32x4.mul(query4, key4));
      b1 = f32x4.add(b1, f32x4.mul(query4, next4));
      query4 = v128.load(query, 32);
      a2 = f32x4.add(a2, f32x4.mul(query4, key4));
      b2 = f32x4.add(b2, f32x4.mul(query4, next4));
      query4 = v128.load(query, 48);
      a3 = f32x4.add(a3, f32x4.mul(query4, key4));
      b3 = f32x4.add(b3, f32x4.mul(query4, next4));
      query += 64;
      key += isStored ? 8 : 16;
      next += isStored ? 8 : 16;
    }
    let a = sumsF32(a0, a1, a2, a3);
    let b = sumsF32(b0, b1, b2, b3);
    if (type == KV_F16) {
      a = f32x4.mul(a, missing);
      b = f32x4.mul(b, missing);
    }
    v128.store(scores, a, 0);
    v128.store(scores, b, 16);
    scores += 32;
    largest = f32x4.pmax(largest, f32x4.pmax(a, b)); // after an odd last position, b is a
  }
  return largest;
}

/** scores f32[count, 4 heads] → weights 2^(score − maximum), each in all four lanes: [count, 4 heads, 4]. */
@inline
function weigh(type: i32, accumulator: usize, scores: usize, fade: v128, count: i32): void {
  const maximum = maximumOf(accumulator);
  const missing = twoTo112();
  let to = scores + WEIGHTS;
  let sum = f32x4.splat(0);
  for (let position = 0; position < count; position++) {
    let weight = exp2f4(f32x4.sub(v128.load(scores), maximum));
    sum = f32x4.add(sum, weight);
    if (type == KV_F16) weight = f32x4.mul(weight, missing);
    v128.store(to, splatLane0(weight), 0);
    v128.store(to, splatLane1(weight), 16);
    v128.store(to, splatLane2(weight), 32);
    v128.store(to, splatLane3(weight), 48);
    scores += 16;
    to += 64;
  }
  addSum(accumulator, fade, sum);
}

/** output = output · fade + Σ weights[position] · values[position], eight columns at a time. */
@inline
function mix(
  isStored: bool,
  accumulator: usize,
  weights: usize,
  values: usize,
  fade: v128,
  count: i32,
  headDim: i32,
): void {
  const valueBytes: usize = isStored ? headDim << 1 : headDim << 2;
  const mask = i32x4.splat(isStored ? WORD_MASK : 0);
  const end = weights + (<usize>count << 6);
  let y = outputOf(accumulator, headDim);
  for (let d = 0; d < headDim; d += 8) {
    let factor = splatLane0(fade);
    let a0 = f32x4.mul(v128.load(y, 0), factor);
    let b0 = f32x4.mul(v128.load(y, 64), factor);
    factor = splatLane1(fade);
    let a1 = f32x4.mul(v128.load(y, 16), factor);
    let b1 = f32x4.mul(v128.load(y, 80), factor);
    factor = splatLane2(fade);
    let a2 = f32x4.mul(v128.load(y, 32), factor);
    let b2 = f32x4.mul(v128.load(y, 96), factor);
    factor = splatLane3(fade);
    let a3 = f32x4.mul(v128.load(y, 48), factor);
    let b3 = f32x4.mul(v128.load(y, 112), factor);
    let from = values;
    for (let at = weights; at < end; at += 64) {
      let low = v128.load(from, 0);
      let high = low;
      if (isStored) {
        high = lastHalves(low, mask);
        low = firstHalves(low, mask);
      } else {
        high = v128.load(from, 16);
      }
      let weight = v128.load(at, 0);
      a0 = f32x4.add(a0, f32x4.mul(weight, low));
      b0 = f32x4.add(b0, f32x4.mul(weight, high));
      weight = v128.load(at, 16);
      a1 = f32x4.add(a1, f32x4.mul(weight, low));
      b1 = f32x4.add(b1, f32x4.mul(weight, high));
      weight = v128.load(at, 32);
      a2 = f32x4.add(a2, f32x4.mul(weight, low));
      b2 = f32x4.add(b2, f32x4.mul(weight, high));
      weight = v128.load(at, 48);
      a3 = f32x4.add(a3, f32x4.mul(weight, low));
      b3 = f32x4.add(b3, f32x4.mul(weight, high));
      from += valueBytes;
    }
    v128.store(y, a0, 0);
    v128.store(y, a1, 16);
    v128.store(y, a2, 32);
    v128.store(y, a3, 48);
    v128.store(y, b0, 64);
    v128.store(y, b1, 80);
    v128.store(y, b2, 96);
    v128.store(y, b3, 112);
    y += 128;
    values += isStored ? 16 : 32;
  }
}
