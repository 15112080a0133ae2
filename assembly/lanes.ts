// Sixteen bytes at a time: integers widened to float32, and sums over lanes in a fixed order.

/** Stores 16 integers (int8) as float32, each times `d`: 64 bytes at `to`. */
@inline
export function storeScaled(to: usize, q: v128, d: f32): void {
  const scale = f32x4.splat(d);
  const low = i16x8.extend_low_i8x16_s(q);
  const high = i16x8.extend_high_i8x16_s(q);
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low)), scale), 0);
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low)), scale), 16);
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(high)), scale), 32);
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(high)), scale), 48);
}

/** The same, then plus `m`. */
@inline
export function storeAffine(to: usize, q: v128, d: f32, m: f32): void {
  storeScaled(to, q, d);
  const offset = f32x4.splat(m);
  v128.store(to, f32x4.add(v128.load(to, 0), offset), 0);
  v128.store(to, f32x4.add(v128.load(to, 16), offset), 16);
  v128.store(to, f32x4.add(v128.load(to, 32), offset), 32);
  v128.store(to, f32x4.add(v128.load(to, 48), offset), 48);
}

/** The low nibbles of 16 bytes. */
@inline
export function lowNibbles(bytes: v128): v128 {
  return v128.and(bytes, i8x16.splat(15));
}

/** The high nibbles of 16 bytes. */
@inline
export function highNibbles(bytes: v128): v128 {
  return i8x16.shr_u(bytes, 4);
}

/** Looks up the low nibbles of 16 bytes, then the high ones, in a table of 16; stores each entry times `d`: 128 bytes. */
@inline
export function storeLookup(to: usize, nibbles: v128, table: v128, d: f32): void {
  storeScaled(to, i8x16.swizzle(table, lowNibbles(nibbles)), d);
  storeScaled(to + 64, i8x16.swizzle(table, highNibbles(nibbles)), d);
}

/** 16 of the 256 two-bit codes at `field`. Part p = 8h + 2g + a: bits 2g and 2g + 1 of 16 bytes, from byte 32h + 16a on. */
@inline
export function twoBits(field: usize, part: i32): v128 {
  const bytes = v128.load(field + ((part >> 3) << 5) + ((part & 1) << 4));
  return v128.and(i8x16.shr_u(bytes, part & 6), i8x16.splat(3));
}

/**
 * 16 where bit i of `bits` is set, lane i = 0 … 15; 0 elsewhere. The fifth bit of a 5-bit weight.
 * same as: for (i…) lane[i] = ((bits >> i) & 1) << 4
 */
@inline
export function fifthBits(bits: u32): v128 {
  const spread = i8x16.swizzle(i32x4.splat(bits), i8x16(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
  const select = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  return v128.and(i8x16.eq(v128.and(spread, select), select), i8x16.splat(16));
}

@inline
export function sumF32(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** The sums of four vectors' lanes, in four lanes. */
@inline
export function sumsF32(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(firstHalves(a, b), secondHalves(a, b));
  const cd = f32x4.add(firstHalves(c, d), secondHalves(c, d));
  return f32x4.add(i64x2.shuffle(ab, cd, 0, 2), i64x2.shuffle(ab, cd, 1, 3));
}

/** The same for int32. */
@inline
export function sumsI32(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(firstHalves(a, b), secondHalves(a, b));
  const cd = i32x4.add(firstHalves(c, d), secondHalves(c, d));
  return i32x4.add(i64x2.shuffle(ab, cd, 0, 2), i64x2.shuffle(ab, cd, 1, 3));
}

/** a₀ b₀ a₁ b₁ */
@inline
function firstHalves(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 0, 4, 1, 5);
}

/** a₂ b₂ a₃ b₃ */
@inline
function secondHalves(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 2, 6, 3, 7);
}

@inline
export function splatLane0(v: v128): v128 {
  return i32x4.shuffle(v, v, 0, 0, 0, 0);
}

@inline
export function splatLane1(v: v128): v128 {
  return i32x4.shuffle(v, v, 1, 1, 1, 1);
}

@inline
export function splatLane2(v: v128): v128 {
  return i32x4.shuffle(v, v, 2, 2, 2, 2);
}

@inline
export function splatLane3(v: v128): v128 {
  return i32x4.shuffle(v, v, 3, 3, 3, 3);
}
