// softmax(q · kᵀ / √headDim) · v over everything up to and including the current position.
import { expf } from "./float";
import { addStored, dotStored } from "./kv-cache";

/**
 * y, q   f32[rows, heads · headDim]; row t stands at position start + t; heads [begin, end) are written
 * k, v   caches as kv-cache.ts draws them; the rows' own keys and values are already in them
 * scores f32[capacity], one per worker
 *
 * Positions are visited in order, whatever the cut into steps, so a row's bits depend on its own history alone.
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
  scores: usize,
): void {
  const cols = kvHeads * headDim;
  const scaling = <f32>1.0 / sqrt<f32>(<f32>headDim);
  for (let t = 0; t < rows; t++) {
    const positions = start + t + 1;
    for (let h = begin; h < end; h++) {
      const query = q + ((<usize>(t * heads + h) * headDim) << 2);
      const column = ((h * kvHeads) / heads) * headDim;
      let max: f32 = -Infinity;
      for (let s = 0; s < positions; s++) {
        const score = dotStored(type, k, capacity, cols, s, column, query, headDim) * scaling;
        store<f32>(scores + (s << 2), score);
        if (score > max) max = score;
      }
      const to = y + ((<usize>(t * heads + h) * headDim) << 2);
      memory.fill(to, 0, headDim << 2);
      let sum: f32 = 0;
      for (let s = 0; s < positions; s++) {
        const weight = expf(load<f32>(scores + (s << 2)) - max);
        sum += weight;
        addStored(type, v, capacity, cols, s, column, to, headDim, weight);
      }
      const divisor = f32x4.splat(sum);
      for (let d = 0; d < headDim << 2; d += 16) v128.store(to + d, f32x4.div(v128.load(to + d), divisor));
    }
  }
}
