// Sums over lanes in a fixed order.

@inline
export function sumF32(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** sumF32 of four vectors, in its order, in four lanes. */
@inline
export function sumsOfPairsF32(a: v128, b: v128, c: v128, d: v128): v128 {
  return pairSums(pairSums(a, b), pairSums(c, d));
}

/** a₀ + a₁, a₂ + a₃, b₀ + b₁, b₂ + b₃ */
@inline
function pairSums(a: v128, b: v128): v128 {
  return f32x4.add(i32x4.shuffle(a, b, 0, 2, 4, 6), i32x4.shuffle(a, b, 1, 3, 5, 7));
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
