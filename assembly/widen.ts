// Sixteen small integers of a block at a time, widened to float32 and scaled.
//
// The bits 0x4b0000qq are the float32 2²³ + q. So two interleavings put a byte where float32 has it, and one subtraction
// takes away 2²³ and whatever offset the format has. Constants of loops are handed in, in registers: see f16.ts. The
// product of Q4_0 in float32 with one token reads 4.3 instead of 3.5 GB/s so (one thread of a Zen 5, V8 13.6).
import { HALVES_MASK, HALVES_SCALE } from "./f16";
import { NIBBLE_MASK } from "./packed/nibbles";

/** The upper half of 2²³ as float32, twice. Mutable and exported for the reason given in f16.ts. */
export let UPPER_HALVES: i32 = 0x4b004b00;

@inline
export function upperHalves(): v128 {
  return i32x4.splat(UPPER_HALVES);
}

/** 2²³ + offset. */
@inline
export function bias(offset: i32): v128 {
  return f32x4.splat(reinterpret<f32>(UPPER_HALVES & 0xffff0000) + <f32>offset);
}

@inline
export function nibbleMask(): v128 {
  return i32x4.splat(NIBBLE_MASK);
}

/** Stores (q − offset) · d for 16 unsigned bytes q: 64 bytes at `to`. */
@inline
export function storeScaled(to: usize, q: v128, upper: v128, bias: v128, d: v128): void {
  const low = firstBytes(q);
  const high = lastBytes(q);
  v128.store(to, f32x4.mul(f32x4.sub(firstWords(low, upper), bias), d), 0);
  v128.store(to, f32x4.mul(f32x4.sub(lastWords(low, upper), bias), d), 16);
  v128.store(to, f32x4.mul(f32x4.sub(firstWords(high, upper), bias), d), 32);
  v128.store(to, f32x4.mul(f32x4.sub(lastWords(high, upper), bias), d), 48);
}

/** Stores (q − offset) · d + m. */
@inline
export function storeAffine(to: usize, q: v128, upper: v128, bias: v128, d: v128, m: v128): void {
  const low = firstBytes(q);
  const high = lastBytes(q);
  v128.store(to, f32x4.add(f32x4.mul(f32x4.sub(firstWords(low, upper), bias), d), m), 0);
  v128.store(to, f32x4.add(f32x4.mul(f32x4.sub(lastWords(low, upper), bias), d), m), 16);
  v128.store(to, f32x4.add(f32x4.mul(f32x4.sub(firstWords(high, upper), bias), d), m), 32);
  v128.store(to, f32x4.add(f32x4.mul(f32x4.sub(lastWords(high, upper), bias), d), m), 48);
}

/** Eight bytes as words. */
@inline
function firstBytes(q: v128): v128 {
  return i8x16.shuffle(q, i32x4.splat(0), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

@inline
function lastBytes(q: v128): v128 {
  return i8x16.shuffle(q, i32x4.splat(0), 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Four words as 2²³ + q. */
@inline
function firstWords(words: v128, upper: v128): v128 {
  return i16x8.shuffle(words, upper, 0, 8, 1, 9, 2, 10, 3, 11);
}

@inline
function lastWords(words: v128, upper: v128): v128 {
  return i16x8.shuffle(words, upper, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** The low nibbles of 16 bytes. */
@inline
export function lowNibbles(bytes: v128, mask: v128): v128 {
  return v128.and(bytes, mask);
}

/** The high nibbles of 16 bytes. */
@inline
export function highNibbles(bytes: v128, mask: v128): v128 {
  return v128.and(i16x8.shr_u(bytes, 4), mask);
}

/** The two bits at bit `shift`, an even number, of each of 16 bytes. */
@inline
export function twoBits(bytes: v128, shift: i32): v128 {
  return v128.and(i16x8.shr_u(bytes, shift), i8x16.splat(3));
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

/** The f16 at an address in float32, in every lane; it is finite. The masks are halvesMask() and halvesScale(). */
@inline
export function splatHalf(address: usize, mask: v128, scale: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shr_s(v128.load16_splat(address), 3), mask), scale);
}

@inline
export function halvesMask(): v128 {
  return i32x4.splat(HALVES_MASK);
}

@inline
export function halvesScale(): v128 {
  return i32x4.splat(HALVES_SCALE);
}
