// F16: IEEE half precision, 2 bytes, to float32 and back, by bits.
//
//   bit  15        14 … 10        9 … 0
//        ├ sign ┤├ exponent + 15 ┤├ fraction ┤

/** Exact, also for subnormals, infinities and NaN. */
@inline
function f16ToF32(h: u32): f32 {
  // Shifting the fields into place leaves the exponent 112 too small; the product with 2¹¹² makes up for that, for
  // subnormals too.
  const magnitude = reinterpret<f32>((h & 0x7fff) << 13) * reinterpret<f32>(0x77800000);
  const bits = reinterpret<u32>(magnitude) | ((h & 0x8000) << 16);
  // Exponent 31 is infinity or NaN: it has to become 255.
  return reinterpret<f32>((h & 0x7c00) == 0x7c00 ? bits | 0x7f800000 : bits);
}

@inline
export function loadF16(address: usize): f32 {
  return f16ToF32(load<u16>(address));
}

/** Rounded to nearest, ties to even; saturates at ±65504. NaN stays NaN. */
export function f32ToF16(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  const sign = (bits >> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477fe000) return sign | 0x7bff;
  if (magnitude < 0x38800000) {
    // Subnormal: adding 0.5 makes the hardware round at bit 2⁻²⁴.
    return sign | (reinterpret<u32>(reinterpret<f32>(magnitude) + <f32>0.5) - 0x3f000000);
  }
  const odd = (magnitude >> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >> 13);
}

// V8 builds a constant vector again wherever it is used. A vector that is splatted from a global before a loop stays in a
// register, as long as the optimizer cannot tell that the global never changes. So the global is mutable, and exported. This
// took the product of Q4_0 weights with one token from 27 to 35 GB/s (one thread of a Zen 5, V8 13.6).
export let HALVES_MASK: i32 = 0x8fffe000;
/** The same for the upper halves of two words. */
export let WORD_MASK: i32 = 0x8fff8fff;
/** 2¹¹² in float32. */
export let HALVES_SCALE: i32 = 0x77800000;

/**
 * Four f16 as float32, times 2⁻¹¹²: their bits, moved. Infinities and NaN come out as numbers. `mask` is HALVES_MASK in
 * every lane.
 */
@inline
export function loadHalves(address: usize, mask: v128): v128 {
  return v128.and(i32x4.shl(v128.load16x4_s(address), 13), mask);
}

/** The first four of eight f16, as loadHalves has them; `mask` is WORD_MASK in every lane. */
@inline
export function firstHalves(eight: v128, mask: v128): v128 {
  return i16x8.shuffle(i16x8.shl(eight, 13), v128.and(i16x8.shr_s(eight, 3), mask), 0, 8, 1, 9, 2, 10, 3, 11);
}

/** The last four. */
@inline
export function lastHalves(eight: v128, mask: v128): v128 {
  return i16x8.shuffle(i16x8.shl(eight, 13), v128.and(i16x8.shr_s(eight, 3), mask), 4, 12, 5, 13, 6, 14, 7, 15);
}

/** The factor by which the numbers of loadHalves are too small. */
@inline
export function twoTo112(): v128 {
  return f32x4.splat(reinterpret<f32>(0x77800000));
}
