// y = W · x for one token: packed weights times int8 activations, 8 rows at a time.
//
// Decode reads every weight once, so memory sets the limit. Two things let this loop reach it. Each thread reads its rows as
// two streams, which keeps more cache lines in flight: 34.6 GB/s of Q4_0 instead of 28 (one thread of a Zen 5, V8 13.6,
// where one thread reads 33 to 35 at most). And the loop's body needs no more than about 14 vector registers.
import { multiplyStrips, stripBytes } from "../packed/formats";

/**
 * y[r] = Σ W[r, c] · x[c] for r in [begin, end), both multiples of 8.
 *
 * y  f32[rows]        w  packed strips of 8 rows        x  cols / 32 blocks
 */
export function gemv(format: i32, y: usize, w: usize, x: usize, cols: i32, begin: i32, end: i32): void {
  const strip = <usize>stripBytes(format, cols);
  const strips = (end - begin) >> 3;
  const half = (strips + 1) >> 1;
  w += <usize>(begin >> 3) * strip;
  y += <usize>begin << 2;
  for (let s = 0; s < half; s++) {
    // With an odd number of strips, the last call computes the same strip in both streams.
    const t = min(s + half, strips - 1);
    multiplyStrips(
      format,
      y + (<usize>s << 5),
      y + (<usize>t << 5),
      w + <usize>s * strip,
      w + <usize>t * strip,
      x,
      cols,
    );
  }
}
