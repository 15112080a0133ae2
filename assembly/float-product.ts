// Products of float32 activations with weights of any block format.
//
// The order of additions is the same whatever the path: each result has sixteen partial sums, of columns i mod 16, which
// are folded in a fixed order (dot-f32.ts). So its bits depend on its row and its token alone.
//
// One token reads every weight once (float-gemv.ts), several read them often (float-tiles.ts).
import { floatGemv } from "./float-gemv";
import { choice, decodeStrip, multiplyStrip, ROWS, sumBytes, TOKENS, stripBytes } from "./float-tiles";

/** Bytes of scratch: sums of up to TOKENS tokens, then 8 decoded rows, [pieces, 8, PIECE]. */
export function floatScratch(cols: i32, tokens: i32): i32 {
  return <i32>(sumBytes(tokens) + stripBytes(cols));
}

/**
 * y[i, r] = Σ W[r, c] · x[i / perRow, c] for r in [begin, end), i = order[0] … order[count − 1], or 0 … count − 1 if
 * order is 0.
 *
 * y  f32[…, rows]        w  blocks, row-major, `rowBytes` to a row        x  f32[…, cols]
 * scratch  floatScratch(cols, count) bytes; 16-aligned
 */
export function multiplyRows(
  format: i32,
  y: usize,
  w: usize,
  x: usize,
  perRow: i32,
  order: usize,
  count: i32,
  rows: i32,
  cols: i32,
  rowBytes: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  if (begin >= end) return;
  w += <usize>begin * rowBytes;
  y += <usize>begin << 2;
  const many = end - begin;
  if (count == 1) {
    const i = choice(order, 0);
    const to = y + (<usize>(i * rows) << 2);
    const from = x + (<usize>(i / perRow * cols) << 2);
    floatGemv(format, to, w, from, cols, rowBytes, many, scratch);
    return;
  }
  const strip = scratch + sumBytes(count);
  // Tokens outside, rows inside: the tokens of a group stay in the second-level cache, and decoding a strip again for the
  // next group costs a thirtieth of its products.
  for (let t = 0; t < count; t += TOKENS) {
    const tokens = min(TOKENS, count - t);
    for (let r = 0; r < many; r += ROWS) {
      const here = min(ROWS, many - r);
      decodeStrip(format, strip, w + <usize>r * rowBytes, here, cols, rowBytes);
      multiplyStrip(y + (<usize>r << 2), strip, x, perRow, order, t, tokens, rows, cols, here, scratch);
    }
  }
}
