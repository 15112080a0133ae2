// What the packed formats have in common: the nibbles of a group, small scales as bytes, and masks in registers.

import { PAIRS } from "../int8-activations";

// Mutable and exported for the reason given in f16.ts.
export let NIBBLE_MASK: i32 = 0x0f0f0f0f;
export let WORD_NIBBLE_MASK: i32 = 0x000f000f;

/** A row of a group: columns 0 … 15 are the low four bits of the bytes `low`, columns 16 … 31 those of `high`. */
@inline
export function nibblesOf(low: v128, high: v128): v128 {
  return v128.or(v128.and(low, i8x16.splat(15)), i8x16.shl(v128.and(high, i8x16.splat(15)), 4));
}

/** The nibble of column c of a row. */
@inline
export function nibble(nibbles: usize, row: i32, c: i32): i32 {
  const byte = <i32>load<u8>(nibbles + (((c & 15) >> 2) << 5) + (row << 2) + (c & 3));
  return (byte >> ((c >> 4) << 2)) & 15;
}

/** Four scales, 0 … 255, as scaledTotal wants them. */
@inline
export function scaleBytes(address: usize): v128 {
  const words = i16x8.extend_low_i8x16_u(v128.load32_zero(address));
  return PAIRS ? twice(words) : i32x4.extend_low_i16x8_u(words);
}

/** The same for −128 … 127. */
@inline
export function signedScaleBytes(address: usize): v128 {
  const words = i16x8.extend_low_i8x16_s(v128.load32_zero(address));
  return PAIRS ? twice(words) : i32x4.extend_low_i16x8_s(words);
}

/** The first four words, each in both halves of a lane. */
@inline
function twice(words: v128): v128 {
  return i16x8.shuffle(words, words, 0, 0, 1, 1, 2, 2, 3, 3);
}
