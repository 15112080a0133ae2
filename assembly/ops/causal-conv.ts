// y[t, c] = Σᵢ w[i, c] · x[t − width + 1 + i, c]; the rows before x come from the state.

/**
 * y, x    f32[rows, cols], cols % 4 == 0         w  f32[width, cols]: taps, the oldest first
 * state   f32[width − 1, cols], oldest first      next  the state after these rows; does not overlap `state`
 * kept    so many rows before those go before `next`, for the states that were left behind on the way; at most `rows`
 */
export function causalConv(
  y: usize,
  x: usize,
  w: usize,
  state: usize,
  next: usize,
  kept: i32,
  rows: i32,
  cols: i32,
  width: i32,
): void {
  const bytes = cols << 2;
  const past = width - 1;
  for (let t = 0; t < rows; t++) {
    for (let c = 0; c < bytes; c += 16) {
      let sum = f32x4.splat(0);
      for (let i = 0; i < width; i++) {
        const from = rowAt(x, state, t - past + i, past, bytes);
        sum = f32x4.add(sum, f32x4.mul(v128.load(w + i * bytes + c), v128.load(from + c)));
      }
      v128.store(y + t * bytes + c, sum);
    }
  }
  for (let i = -kept; i < past; i++) {
    memory.copy(next + i * bytes, rowAt(x, state, rows - past + i, past, bytes), bytes);
  }
}

/** Row t of x; rows −past … −1, which came before it, are in the state. */
@inline
function rowAt(x: usize, state: usize, t: i32, past: i32, bytes: i32): usize {
  return t < 0 ? state + (past + t) * bytes : x + t * bytes;
}
