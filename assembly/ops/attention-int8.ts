// One chunk of int8 keys and values, for four query heads of a row: products of integers, the same in every build.
//
// Queries, and the weights of a chunk, are rounded to 16 bits, so that both products are sums of int8 · int16 in int32. The
// sums are exact, as 127 · 32767 · 512 < 2³¹ (headDim ≤ 512). The rounding error is 2⁻¹⁶ of the largest number, far below
// that of int8.
import { splatLane0, splatLane1, splatLane2, splatLane3, sumsI32 } from "../lanes";
import { KV_INT8, rowOf, scaleOf } from "./kv-cache";
import { addSum, clear, exp2f4, LOG2E, maximumOf, outputOf, QUERIES, raise, SCALES, WEIGHTS } from "./online-softmax";

const MOST: f32 = 32767;
/** 1.5 · 2²³. Adding it leaves a number's nearest integer, ties to even, in the low bits. */
const TO_INTEGER: f32 = 12582912;
/** Queries below this count as 0, and a chunk's weights are not scaled by less: a division by less could overflow. */
const SMALLEST: f32 = 1e-30;

/** q f32[heads, headDim] → queries int16 [headDim / 8, 4 heads, 8], and their scales, times log₂ e / √headDim. */
export function openInt8(accumulator: usize, q: usize, heads: i32, headDim: i32): void {
  clear(accumulator, headDim);
  const scaling = LOG2E / sqrt<f32>(<f32>headDim);
  for (let lane = 0; lane < 4; lane++) {
    const from = q + <usize>min(lane, heads - 1) * (headDim << 2);
    let largest = f32x4.splat(0);
    for (let d = 0; d < headDim << 2; d += 16) largest = f32x4.pmax(largest, f32x4.abs(v128.load(from + d)));
    const amax = max<f32>(
      max<f32>(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
      max<f32>(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
    );
    const inverse = f32x4.splat(amax < SMALLEST ? 0 : MOST / amax);
    store<f32>(accumulator + (lane << 2), (amax / MOST) * scaling, SCALES);
    let to = accumulator + QUERIES + (lane << 4);
    for (let d = 0; d < headDim << 2; d += 32) {
      const low = f32x4.nearest(f32x4.mul(v128.load(from + d, 0), inverse));
      const high = f32x4.nearest(f32x4.mul(v128.load(from + d, 16), inverse));
      v128.store(to, i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(low), i32x4.trunc_sat_f32x4_s(high)));
      to += 64;
    }
  }
}

/** Adds `count` positions of one KV head, which lie from `place` on, to an accumulator. */
@inline
export function attendInt8(
  accumulator: usize,
  scratch: usize,
  k: usize,
  v: usize,
  capacity: i32,
  kvHeads: i32,
  headDim: i32,
  kvHead: i32,
  place: i32,
  count: i32,
): void {
  const keys = rowOf(KV_INT8, k, capacity, headDim, kvHead, place);
  const values = rowOf(KV_INT8, v, capacity, headDim, kvHead, place);
  const keyScales = scaleOf(k, capacity, kvHeads, headDim, kvHead, place);
  const valueScales = scaleOf(v, capacity, kvHeads, headDim, kvHead, place);
  const fade = raise(accumulator, score(scratch, accumulator, keys, keyScales, count, headDim));
  const unit = weigh(accumulator, scratch, valueScales, fade, count);
  mix(accumulator, scratch + WEIGHTS, values, fade, unit, count, headDim);
}

/** scores[position] = queries · keys[position], two positions at a time; returns the largest of each head. */
@inline
function score(scores: usize, accumulator: usize, keys: usize, scales: usize, count: i32, headDim: i32): v128 {
  const queryScales = v128.load(accumulator, SCALES);
  let largest = f32x4.splat(-Infinity);
  for (let position = 0; position < count; position += 2) {
    let query = accumulator + QUERIES;
    let key = keys;
    let next = position + 1 < count ? keys + headDim : key;
    const end = key + headDim;
    let a0 = i32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    while (key < end) {
      const key8 = v128.load8x8_s(key);
      const next8 = v128.load8x8_s(next);
      let query8 = v128.load(query, 0);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(query8, key8));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(query8, next8));
      query8 = v128.load(query, 16);
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(query8, key8));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(query8, next8));
      query8 = v128.load(query, 32);
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(query8, key8));
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(query8, next8));
      query8 = v128.load(query, 48);
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(query8, key8));
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(query8, next8));
      query += 64;
      key += 8;
      next += 8;
    }
    const a = f32x4.mul(
      f32x4.convert_i32x4_s(sumsI32(a0, a1, a2, a3)),
      f32x4.mul(queryScales, v128.load32_splat(scales)),
    );
    const nextScale = position + 1 < count ? scales + 4 : scales;
    const b = f32x4.mul(
      f32x4.convert_i32x4_s(sumsI32(b0, b1, b2, b3)),
      f32x4.mul(queryScales, v128.load32_splat(nextScale)),
    );
    v128.store(scores, a, 0);
    v128.store(scores, b, 16);
    scores += 32;
    scales += 8;
    keys += headDim << 1;
    largest = f32x4.pmax(largest, f32x4.pmax(a, b)); // after an odd last position, b is a
  }
  return largest;
}

/**
 * scores f32[count, 4 heads] → weights 2^(score − maximum) · the value's scale, as int16 [⌈count / 2⌉, 4 heads, 4, 2]: the
 * weights of two positions side by side, each pair in all four lanes. Returns what a weight of 1 stands for, for each head.
 */
@inline
function weigh(accumulator: usize, scores: usize, scales: usize, fade: v128, count: i32): v128 {
  const maximum = maximumOf(accumulator);
  let sum = f32x4.splat(0);
  let largest = f32x4.splat(SMALLEST);
  for (let position = 0; position < count; position++) {
    const at = scores + (position << 4);
    const e = exp2f4(f32x4.sub(v128.load(at), maximum));
    sum = f32x4.add(sum, e);
    const weight = f32x4.mul(e, v128.load32_splat(scales + (position << 2)));
    largest = f32x4.pmax(largest, weight);
    v128.store(at, weight);
  }
  addSum(accumulator, fade, sum);
  if (count & 1) v128.store(scores + (count << 4), f32x4.splat(0));
  const inverse = f32x4.div(f32x4.splat(MOST), largest);
  const toInteger = f32x4.splat(TO_INTEGER);
  const lowHalf = i32x4.splat(0xffff);
  let to = scores + WEIGHTS;
  for (let position = 0; position < count; position += 2) {
    const first = f32x4.add(f32x4.mul(v128.load(scores, 0), inverse), toInteger);
    const second = f32x4.add(f32x4.mul(v128.load(scores, 16), inverse), toInteger);
    const pair = v128.or(v128.and(first, lowHalf), i32x4.shl(second, 16));
    v128.store(to, splatLane0(pair), 0);
    v128.store(to, splatLane1(pair), 16);
    v128.store(to, splatLane2(pair), 32);
    v128.store(to, splatLane3(pair), 48);
    scores += 32;
    to += 64;
  }
  return f32x4.mul(largest, f32x4.splat(1 / MOST));
}

/** output = output · fade + unit · Σ weights[position] · values[position], eight columns at a time. */
@inline
function mix(accumulator: usize, weights: usize, values: usize, fade: v128, unit: v128, count: i32, headDim: i32): void {
  const end = weights + (<usize>((count + 1) >> 1) << 6);
  const last = values + <usize>(count - 1) * headDim;
  let y = outputOf(accumulator, headDim);
  for (let d = 0; d < headDim; d += 8) {
    let a0 = i32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    let from = values + d;
    for (let at = weights; at < end; at += 64) {
      // An odd last position is read a second time in place of the next; that weight is 0.
      const beside = min(from + headDim, last + d);
      const bytes = i8x16.shuffle(
        v128.load64_zero(from), v128.load64_zero(beside), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
      );
      const low = i16x8.extend_low_i8x16_s(bytes);
      const high = i16x8.extend_high_i8x16_s(bytes);
      let weight = v128.load(at, 0);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(weight, low));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(weight, high));
      weight = v128.load(at, 16);
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(weight, low));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(weight, high));
      weight = v128.load(at, 32);
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(weight, low));
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(weight, high));
      weight = v128.load(at, 48);
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(weight, low));
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(weight, high));
      from += headDim << 1;
    }
    faded(y, a0, b0, splatLane0(fade), splatLane0(unit));
    faded(y + 16, a1, b1, splatLane1(fade), splatLane1(unit));
    faded(y + 32, a2, b2, splatLane2(fade), splatLane2(unit));
    faded(y + 48, a3, b3, splatLane3(fade), splatLane3(unit));
    y += 128;
  }
}

/** Eight columns of one head: y = y · fade + sum · unit. */
@inline
function faded(y: usize, low: v128, high: v128, fade: v128, unit: v128): void {
  const a = f32x4.mul(f32x4.convert_i32x4_s(low), unit);
  const b = f32x4.mul(f32x4.convert_i32x4_s(high), unit);
  v128.store(y, f32x4.add(f32x4.mul(v128.load(y, 0), fade), a), 0);
  v128.store(y, f32x4.add(f32x4.mul(v128.load(y, 64), fade), b), 64);
}
