// softmax(q · kᵀ / √headDim) · v over everything up to and including the current position.
//
// Positions come in blocks of 32, aligned to absolute positions. A row keeps a running maximum, sum and output, and
// brings them up to date block by block, so its bits depend on its own history alone, however the sequence was cut into
// steps. Query heads that share a KV head are taken four at a time, so that a key or value is loaded and decoded once
// for four: attention-record.ts.
import { attendFloat, decodeF16, openFloat } from "./attention-float";
import { attendInt8, openInt8 } from "./attention-int8";
import { BLOCK, close, DECODED, recordBytes, recordsIn } from "./attention-record";
import { KV_F16, KV_F32, rowOf } from "./kv-cache";

/**
 * y, q   f32[rows, heads · headDim]; row t stands at position start + t; the query heads of KV heads [begin, end)
 * k, v   caches as kv-cache.ts draws them; the rows' own keys and values are already in them
 * scratch  2560 + 256 · headDim bytes for a block, and a record of 48 + 32 · headDim bytes for each row and four query
 *          heads of one KV head: rows · ⌈heads / kvHeads / 4⌉ of them; 16-aligned
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
  const quads = (group + 3) >> 2;
  const width: usize = headDim << 2;
  const records = recordsIn(scratch, headDim);
  const bytes = recordBytes(headDim);
  for (let kvHead = begin; kvHead < end; kvHead++) {
    let record = records;
    for (let t = 0; t < rows; t++) {
      for (let i = 0; i < group; i += 4) {
        const from = q + <usize>(t * heads + kvHead * group + i) * width;
        if (type == KV_F32) openFloat(KV_F32, record, from, group - i, headDim);
        else if (type == KV_F16) openFloat(KV_F16, record, from, group - i, headDim);
        else openInt8(record, from, group - i, headDim);
        record += bytes;
      }
    }
    for (let block = 0; block < start + rows; block += BLOCK) {
      let keys = rowOf(type, k, capacity, headDim, kvHead, block);
      let values = rowOf(type, v, capacity, headDim, kvHead, block);
      if (type == KV_F16) {
        const count = min(BLOCK, start + rows - block);
        keys = decodeF16(scratch + DECODED, keys, count * headDim);
        values = decodeF16(scratch + DECODED + BLOCK * width, values, count * headDim);
      }
      const first = max(0, block - start);
      record = records + <usize>(first * quads) * bytes;
      for (let t = first; t < rows; t++) {
        const count = min(BLOCK, start + t + 1 - block);
        for (let i = 0; i < quads; i++) {
          if (type == KV_F32) attendFloat(KV_F32, record, scratch, keys, values, count, headDim);
          else if (type == KV_F16) attendFloat(KV_F16, record, scratch, keys, values, count, headDim);
          else attendInt8(record, scratch, k, v, capacity, kvHeads, headDim, kvHead, block, count);
          record += bytes;
        }
      }
    }
    record = records;
    for (let t = 0; t < rows; t++) {
      for (let i = 0; i < group; i += 4) {
        close(y + <usize>(t * heads + kvHead * group + i) * width, record, min(4, group - i), headDim);
        record += bytes;
      }
    }
  }
}
