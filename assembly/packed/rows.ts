// What packing has in common for all formats: rows of a file side by side.

/** An f16 with this exponent is infinite or NaN. */
const EXPONENT: i16 = 0x7c00;

/** Four rows of 16 bytes, four bytes of each in turn: step k, at `to` + 32k, is bytes 4k … 4k + 3 of every row. */
@inline
export function storeSteps(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const abLow = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const cdLow = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const abHigh = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cdHigh = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(abLow, cdLow, 0, 2));
  v128.store(to, i64x2.shuffle(abLow, cdLow, 1, 3), 32);
  v128.store(to, i64x2.shuffle(abHigh, cdHigh, 0, 2), 64);
  v128.store(to, i64x2.shuffle(abHigh, cdHigh, 1, 3), 96);
}

/** The f16 at `from` in each of 8 rows. */
@inline
export function eightHalves(from: usize, rowBytes: usize): v128 {
  let halves = v128.load16_splat(from);
  halves = v128.load16_lane(from + rowBytes, halves, 1);
  halves = v128.load16_lane(from + 2 * rowBytes, halves, 2);
  halves = v128.load16_lane(from + 3 * rowBytes, halves, 3);
  halves = v128.load16_lane(from + 4 * rowBytes, halves, 4);
  halves = v128.load16_lane(from + 5 * rowBytes, halves, 5);
  halves = v128.load16_lane(from + 6 * rowBytes, halves, 6);
  return v128.load16_lane(from + 7 * rowBytes, halves, 7);
}

/** All ones where an f16 is infinite or NaN. */
@inline
export function nonFinite(halves: v128): v128 {
  const exponent = i16x8.splat(EXPONENT);
  return i16x8.eq(v128.and(halves, exponent), exponent);
}
