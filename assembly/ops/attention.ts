// softmax(q · kᵀ / √headDim) · v over everything up to and including the current position.
//
// The cache is read in chunks of 32 positions, its pages, which begin at positions 0, 32, 64 … whatever the step. A row keeps a running
// maximum, sum and output, and each chunk updates them. So a row's bits depend only on the positions up to its own, and not
// on how the tokens were cut into steps. Query heads that share a KV head are taken four at a time, so that a key or value
// is loaded and decoded once for four: online-softmax.ts.
import { attendFloat, decodeHalves, openFloat } from "./attention-float";
import { attendInt8, openInt8 } from "./attention-int8";
import { accumulatorBytes, accumulatorsIn, CHUNK, close, DECODED } from "./online-softmax";
import { KV_F16, KV_F32, rowOf } from "./kv-cache";

/**
 * y, q   f32[rows, heads · headDim]; row t is at position start + t
 * k, v   caches as kv-cache.ts draws them; the keys and values of these rows are already in them
 * pages  i32[⌈(start + rows) / CHUNK⌉]: which stretches of CHUNK positions of the caches are the sequence's, in order
 * begin, end  KV heads: the query heads of [begin, end) are computed
 * scratch  attentionScratch(rows, heads / kvHeads, headDim) bytes; 16-aligned
 */
export function attention(
  type: i32,
  y: usize,
  q: usize,
  k: usize,
  v: usize,
  capacity: i32,
  pages: usize,
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
  const quads = (group + 3) >> 2;
  const width: usize = headDim << 2;
  // Keys and values that four heads of one row meet are decoded on the way, the others before.
  const once = rows * quads == 1;
  const accumulators = accumulatorsIn(scratch, headDim);
  const bytes = accumulatorBytes(headDim);
  for (let kvHead = begin; kvHead < end; kvHead++) {
    let accumulator = accumulators;
    for (let t = 0; t < rows; t++) {
      for (let i = 0; i < group; i += 4) {
        const from = q + <usize>(t * heads + kvHead * group + i) * width;
        if (type == KV_F32) openFloat(KV_F32, accumulator, from, group - i, headDim);
        else if (type == KV_F16) openFloat(KV_F16, accumulator, from, group - i, headDim);
        else openInt8(accumulator, from, group - i, headDim);
        accumulator += bytes;
      }
    }
    for (let chunk = 0; chunk < start + rows; chunk += CHUNK) {
      const place = load<i32>(pages + ((chunk / CHUNK) << 2)) * CHUNK;
      let keys = rowOf(type, k, capacity, headDim, kvHead, place);
      let values = rowOf(type, v, capacity, headDim, kvHead, place);
      if (type == KV_F16 && !once) {
        const count = min(CHUNK, start + rows - chunk);
        keys = decodeHalves(scratch + DECODED, keys, count * headDim);
        values = decodeHalves(scratch + DECODED + CHUNK * width, values, count * headDim);
      }
      const first = max(0, chunk - start);
      accumulator = accumulators + <usize>(first * quads) * bytes;
      for (let t = first; t < rows; t++) {
        const count = min(CHUNK, start + t + 1 - chunk);
        for (let i = 0; i < quads; i++) {
          if (type == KV_F32) attendFloat(KV_F32, false, accumulator, scratch, keys, values, count, headDim);
          else if (once && type == KV_F16)
            attendFloat(KV_F16, true, accumulator, scratch, keys, values, count, headDim);
          else if (type == KV_F16) attendFloat(KV_F16, false, accumulator, scratch, keys, values, count, headDim);
          else attendInt8(accumulator, scratch, k, v, capacity, kvHeads, headDim, kvHead, place, count);
          accumulator += bytes;
        }
      }
    }
    accumulator = accumulators;
    for (let t = 0; t < rows; t++) {
      for (let i = 0; i < group; i += 4) {
        close(y + <usize>(t * heads + kvHead * group + i) * width, accumulator, min(4, group - i), headDim);
        accumulator += bytes;
      }
    }
  }
}
