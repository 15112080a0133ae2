// Choosing experts, and turning their scores into weights: topK, gather, normalize, weightedSum.

/** ids i32[rows, k]: the k largest of each row of x f32[rows, cols], by ascending id. Of equal values the lower id wins. */
export function topK(ids: usize, x: usize, rows: i32, cols: i32, k: i32): void {
  for (let t = 0; t < rows; t++) {
    // `ids` holds the best so far, from the largest down; a candidate moves up past every smaller one.
    for (let c = 0; c < cols; c++) {
      const value = load<f32>(x + (c << 2));
      let place = min(c, k);
      if (place == k && !(value > load<f32>(x + (load<u32>(ids + ((k - 1) << 2)) << 2)))) continue;
      if (place == k) place = k - 1;
      for (; place > 0; place--) {
        const before = load<i32>(ids + ((place - 1) << 2));
        if (!(value > load<f32>(x + (before << 2)))) break;
        store<i32>(ids + (place << 2), before);
      }
      store<i32>(ids + (place << 2), c);
    }
    // Then by ascending id: insertion sort, as k is small (4 in LFM2-8B-A1B).
    for (let i = 1; i < k; i++) {
      const id = load<i32>(ids + (i << 2));
      let j = i;
      for (; j > 0 && load<i32>(ids + ((j - 1) << 2)) > id; j--) {
        store<i32>(ids + (j << 2), load<i32>(ids + ((j - 1) << 2)));
      }
      store<i32>(ids + (j << 2), id);
    }
    ids += k << 2;
    x += cols << 2;
  }
}

/** y f32[rows, k]: y[t, j] = x[t, ids[t, j]]. */
export function gather(y: usize, x: usize, ids: usize, rows: i32, cols: i32, k: i32): void {
  for (let t = 0; t < rows; t++) {
    for (let j = 0; j < k << 2; j += 4) store<f32>(y + j, load<f32>(x + (load<u32>(ids + j) << 2)));
    y += k << 2;
    ids += k << 2;
    x += cols << 2;
  }
}

/** y f32[rows, k]: each row of x divided by (its sum + eps). */
export function normalize(y: usize, x: usize, rows: i32, k: i32, eps: f32): void {
  for (let t = 0; t < rows; t++) {
    let sum: f32 = 0;
    for (let j = 0; j < k << 2; j += 4) sum += load<f32>(x + j);
    const divisor = sum + eps;
    for (let j = 0; j < k << 2; j += 4) store<f32>(y + j, load<f32>(x + j) / divisor);
    y += k << 2;
    x += k << 2;
  }
}

/** y[t] = Σⱼ weights[t, j] · x[t·k + j], j ascending. y f32[rows, cols], x f32[rows · k, cols], weights f32[rows, k]. */
export function weightedSum(y: usize, x: usize, weights: usize, rows: i32, cols: i32, k: i32): void {
  const bytes = cols << 2;
  for (let t = 0; t < rows; t++) {
    memory.fill(y, 0, bytes);
    for (let j = 0; j < k; j++) {
      const weight = f32x4.splat(load<f32>(weights + (j << 2)));
      for (let i = 0; i < bytes; i += 16) {
        v128.store(y + i, f32x4.add(v128.load(y + i), f32x4.mul(v128.load(x + i), weight)));
      }
      x += bytes;
    }
    y += bytes;
    weights += k << 2;
  }
}
