// One chunk of keys and values in float32 or half precision, for four query heads of a row.
//
// Half precision is read by moving its bits to where float32 has them, which gives the number times 2⁻¹¹². Of the missing
// 2¹¹², queries carry 2⁶⁴ and scores 2⁴⁸, and weights all of it: powers of two, so nothing is rounded.
import { HALVES_MASK, loadHalves, twoTo112 } from "../f16";
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

/** Brings an accumulator up to date with `count` positions, whose keys and values begin at `keys` and `values`. */
@inline
export function attendFloat(
  type: i32,
  accumulator: usize,
  scratch: usize,
  keys: usize,
  values: usize,
  count: i32,
  headDim: i32,
): void {
  const fade = raise(accumulator, score(type, scratch, accumulator, keys, count, headDim));
  weigh(type, accumulator, scratch, fade, count);
  mix(accumulator, scratch + WEIGHTS, values, fade, count, headDim);
}

/** scores[s] = queries · keys[s], two positions at a time; returns the largest of each head. */
@inline
function score(type: i32, scores: usize, accumulator: usize, keys: usize, count: i32, headDim: i32): v128 {
  const keyBytes: usize = headDim << 2;
  const missing = f32x4.splat(281474976710656); // 2⁴⁸
  let largest = f32x4.splat(-Infinity);
  for (let s = 0; s < count; s += 2) {
    let query = accumulator + QUERIES;
    let key = keys;
    let next = s + 1 < count ? key + keyBytes : key;
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
      const x = v128.load(key);
      const y = v128.load(next);
      let q = v128.load(query, 0);
      a0 = f32x4.add(a0, f32x4.mul(q, x));
      b0 = f32x4.add(b0, f32x4.mul(q, y));
      q = v128.load(query, 16);
      a1 = f32x4.add(a1, f32x4.mul(q, x));
      b1 = f32x4.add(b1, f32x4.mul(q, y));
      q = v128.load(query, 32);
      a2 = f32x4.add(a2, f32x4.mul(q, x));
      b2 = f32x4.add(b2, f32x4.mul(q, y));
      q = v128.load(query, 48);
      a3 = f32x4.add(a3, f32x4.mul(q, x));
      b3 = f32x4.add(b3, f32x4.mul(q, y));
      query += 64;
      key += 16;
      next += 16;
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
    largest = f32x4.pmax(largest, f32x4.pmax(a, b)); // without a next position, b is a
  }
  return largest;
}

/** scores f32[count, 4 heads] → weights 2^(score − maximum), each in four lanes: [count, 4 heads, 4]. */
@inline
function weigh(type: i32, accumulator: usize, scores: usize, fade: v128, count: i32): void {
  const maximum = maximumOf(accumulator);
  const missing = twoTo112();
  let to = scores + WEIGHTS;
  let sum = f32x4.splat(0);
  for (let s = 0; s < count; s++) {
    let w = exp2f4(f32x4.sub(v128.load(scores), maximum));
    sum = f32x4.add(sum, w);
    if (type == KV_F16) w = f32x4.mul(w, missing);
    v128.store(to, splatLane0(w), 0);
    v128.store(to, splatLane1(w), 16);
    v128.store(to, splatLane2(w), 32);
    v128.store(to, splatLane3(w), 48);
    scores += 16;
    to += 64;
  }
  addSum(accumulator, fade, sum);
}

/** output = output · fade + Σ weights[s] · values[s], eight columns at a time. */
@inline
function mix(accumulator: usize, weights: usize, values: usize, fade: v128, count: i32, headDim: i32): void {
  const valueBytes: usize = headDim << 2;
  const end = weights + (<usize>count << 6);
  let y = outputOf(accumulator, headDim);
  for (let d = 0; d < headDim; d += 8) {
    let f = splatLane0(fade);
    let a0 = f32x4.mul(v128.load(y, 0), f);
    let b0 = f32x4.mul(v128.load(y, 64), f);
    f = splatLane1(fade);
    let a1 = f32x4.mul(v128.load(y, 16), f);
    let b1 = f32x4.mul(v128.load(y, 80), f);
    f = splatLane2(fade);
    let a2 = f32x4.mul(v128.load(y, 32), f);
    let b2 = f32x4.mul(v128.load(y, 96), f);
    f = splatLane3(fade);
    let a3 = f32x4.mul(v128.load(y, 48), f);
    let b3 = f32x4.mul(v128.load(y, 112), f);
    let from = values;
    for (let w = weights; w < end; w += 64) {
      const x = v128.load(from, 0);
      const z = v128.load(from, 16);
      let p = v128.load(w, 0);
      a0 = f32x4.add(a0, f32x4.mul(p, x));
      b0 = f32x4.add(b0, f32x4.mul(p, z));
      p = v128.load(w, 16);
      a1 = f32x4.add(a1, f32x4.mul(p, x));
      b1 = f32x4.add(b1, f32x4.mul(p, z));
      p = v128.load(w, 32);
      a2 = f32x4.add(a2, f32x4.mul(p, x));
      b2 = f32x4.add(b2, f32x4.mul(p, z));
      p = v128.load(w, 48);
      a3 = f32x4.add(a3, f32x4.mul(p, x));
      b3 = f32x4.add(b3, f32x4.mul(p, z));
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
    values += 32;
  }
}
