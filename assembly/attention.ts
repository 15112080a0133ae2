// softmax(q · kᵀ / √headDim) · v over everything up to and including the current position.
//
// Positions come in blocks of 32, aligned to absolute positions: a block's keys and values are decoded once and serve
// every row and every query head of their KV head. A row keeps a running maximum, sum and output, and brings them up to
// date block by block, so its bits depend on its own history alone, however the sequence was cut into steps.
import { expf, expf4 } from "./float";
import { decodeKv } from "./kv-cache";
import { sumF32 } from "./lanes";

/** Positions in a block. */
const BLOCK: i32 = 32;

/**
 * y, q   f32[rows, heads · headDim]; row t stands at position start + t; the query heads of KV heads [begin, end)
 * k, v   caches as kv-cache.ts draws them; the rows' own keys and values are already in them
 * scratch  f32: keys and values of a block [2, 32, headDim], its scores [32], maximum and sum of every row and query
 *          head of one KV head [rows, heads / kvHeads, 2]; 16-aligned
 */
export function attention(
  type: i32,
  y: usize,
  q: usize,
  k: usize,
  v: usize,
  capacity: i32,
  rows: i32,
  start: i32,
  heads: i32,
  kvHeads: i32,
  headDim: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const group = heads / kvHeads;
  const width = headDim << 2;
  const keys = scratch;
  const values = keys + BLOCK * width;
  const scores = values + BLOCK * width;
  const running = scores + (BLOCK << 2); // (maximum, sum) of row t, query head i at 8 · (t · group + i)
  const scaling = <f32>1.0 / sqrt<f32>(<f32>headDim);
  for (let kvHead = begin; kvHead < end; kvHead++) {
    const first = kvHead * group * headDim; // column of the first query head
    for (let i = 0; i < rows * group; i++) {
      store<f32>(running + (i << 3), -Infinity);
      store<f32>(running + (i << 3), 0, 4);
    }
    for (let t = 0; t < rows; t++) memory.fill(y + (<usize>(t * heads * headDim + first) << 2), 0, group * width);

    for (let block = 0; block < start + rows; block += BLOCK) {
      const most = min(BLOCK, start + rows - block);
      decodeKv(type, keys, k, capacity, kvHeads, headDim, kvHead, block, most);
      decodeKv(type, values, v, capacity, kvHeads, headDim, kvHead, block, most);
      for (let t = max(0, block - start); t < rows; t++) {
        const count = min(most, start + t + 1 - block);
        const row = <usize>(t * heads * headDim + first) << 2;
        for (let i = 0; i < group; i++) {
          const at = row + i * width;
          const state = running + ((t * group + i) << 3);
          const largest = score(scores, q + at, keys, count, headDim, scaling);
          update(y + at, state, scores, largest, values, count, headDim);
        }
      }
    }

    for (let t = 0; t < rows; t++) {
      for (let i = 0; i < group; i++) {
        const to = y + (<usize>(t * heads * headDim + first) << 2) + i * width;
        const divisor = f32x4.splat(load<f32>(running + ((t * group + i) << 3), 4));
        for (let d = 0; d < width; d += 16) v128.store(to + d, f32x4.div(v128.load(to + d), divisor));
      }
    }
  }
}

/** scores[s] = q · keys[s] · scaling for s < count; −∞ up to the next multiple of 4. Returns the largest. */
@inline
function score(scores: usize, q: usize, keys: usize, count: i32, headDim: i32, scaling: f32): f32 {
  let largest: f32 = -Infinity;
  for (let s = 0; s < count; s++) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let e = a;
    for (let d = 0; d < headDim << 2; d += 64) {
      a = f32x4.add(a, f32x4.mul(v128.load(q + d, 0), v128.load(keys + d, 0)));
      b = f32x4.add(b, f32x4.mul(v128.load(q + d, 16), v128.load(keys + d, 16)));
      c = f32x4.add(c, f32x4.mul(v128.load(q + d, 32), v128.load(keys + d, 32)));
      e = f32x4.add(e, f32x4.mul(v128.load(q + d, 48), v128.load(keys + d, 48)));
    }
    keys += headDim << 2;
    const value = sumF32(f32x4.add(f32x4.add(a, b), f32x4.add(c, e))) * scaling;
    store<f32>(scores + (s << 2), value);
    largest = max<f32>(largest, value);
  }
  for (let s = count; s & 3; s++) store<f32>(scores + (s << 2), -Infinity);
  return largest;
}

/** Brings one row's maximum, sum and output up to date with a block. */
@inline
function update(y: usize, state: usize, scores: usize, largest: f32, values: usize, count: i32, headDim: i32): void {
  const before = load<f32>(state);
  const after = max<f32>(before, largest);
  const fade = expf(before - after); // 0 for the first block
  const maximum = f32x4.splat(after);
  let sums = f32x4.splat(0);
  for (let s = 0; s < count << 2; s += 16) {
    const weights = expf4(f32x4.sub(v128.load(scores + s), maximum));
    v128.store(scores + s, weights);
    sums = f32x4.add(sums, weights);
  }
  store<f32>(state, after);
  store<f32>(state, load<f32>(state, 4) * fade + sumF32(sums), 4);
  const factor = f32x4.splat(fade);
  // Sixteen columns at a time: four chains of additions, which do not wait for one another.
  for (let d = 0; d < headDim << 2; d += 64) {
    let a = f32x4.mul(v128.load(y + d, 0), factor);
    let b = f32x4.mul(v128.load(y + d, 16), factor);
    let c = f32x4.mul(v128.load(y + d, 32), factor);
    let e = f32x4.mul(v128.load(y + d, 48), factor);
    let from = values + d;
    for (let s = 0; s < count << 2; s += 4) {
      const weight = v128.load32_splat(scores + s);
      a = f32x4.add(a, f32x4.mul(weight, v128.load(from, 0)));
      b = f32x4.add(b, f32x4.mul(weight, v128.load(from, 16)));
      c = f32x4.add(c, f32x4.mul(weight, v128.load(from, 32)));
      e = f32x4.add(e, f32x4.mul(weight, v128.load(from, 48)));
      from += headDim << 2;
    }
    v128.store(y + d, a, 0);
    v128.store(y + d, b, 16);
    v128.store(y + d, c, 32);
    v128.store(y + d, e, 48);
  }
}
