// One row of weights in any block format, decoded to float32, and the product of two such rows.
// Formats are numbered as in GGUF.
import { decodeBF16, decodeF16 } from "../f16";
import { decodeIQ4_NL, decodeIQ4_XS, decodeMXFP4 } from "./iq4";
import { sumF32 } from "../lanes";
import { decodeQ2_K, decodeQ3_K } from "./q2_k";
import { decodeQ4_0 } from "./q4_0";
import { decodeQ4_1 } from "./q4_1";
import { decodeQ4_K, decodeQ5_K } from "./q4_k";
import { decodeQ5_0, decodeQ5_1 } from "./q5_0";
import { decodeQ6_K } from "./q6_k";
import { decodeQ8_0 } from "./q8_0";

const F32: i32 = 0;
const F16: i32 = 1;
const Q4_0: i32 = 2;
const Q4_1: i32 = 3;
const Q5_0: i32 = 6;
const Q5_1: i32 = 7;
const Q8_0: i32 = 8;
const Q2_K: i32 = 10;
const Q3_K: i32 = 11;
const Q4_K: i32 = 12;
const Q5_K: i32 = 13;
const Q6_K: i32 = 14;
const IQ4_NL: i32 = 20;
const IQ4_XS: i32 = 23;
const BF16: i32 = 30;
const MXFP4: i32 = 39;

/** Address of the row in float32: the row itself when it is, else `scratch` f32[cols], where it is decoded. */
export function decodedRow(format: i32, row: usize, cols: i32, scratch: usize): usize {
  switch (format) {
    case F32:
      return row;
    case F16:
      decodeF16(scratch, row, cols);
      break;
    case BF16:
      decodeBF16(scratch, row, cols);
      break;
    case Q4_0:
      decodeQ4_0(scratch, row, cols);
      break;
    case Q4_1:
      decodeQ4_1(scratch, row, cols);
      break;
    case Q5_0:
      decodeQ5_0(scratch, row, cols);
      break;
    case Q5_1:
      decodeQ5_1(scratch, row, cols);
      break;
    case Q8_0:
      decodeQ8_0(scratch, row, cols);
      break;
    case Q2_K:
      decodeQ2_K(scratch, row, cols);
      break;
    case Q3_K:
      decodeQ3_K(scratch, row, cols);
      break;
    case Q4_K:
      decodeQ4_K(scratch, row, cols);
      break;
    case Q5_K:
      decodeQ5_K(scratch, row, cols);
      break;
    case Q6_K:
      decodeQ6_K(scratch, row, cols);
      break;
    case IQ4_NL:
      decodeIQ4_NL(scratch, row, cols);
      break;
    case IQ4_XS:
      decodeIQ4_XS(scratch, row, cols);
      break;
    case MXFP4:
      decodeMXFP4(scratch, row, cols);
      break;
    default:
      unreachable();
  }
  return scratch;
}

/** Σ a[i] · b[i] in float32: sixteen partial sums, i mod 16, folded in a fixed order. n % 4 == 0. */
export function dotF32(a: usize, b: usize, n: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a, 0), v128.load(b, 0)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(a, 16), v128.load(b, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(a, 32), v128.load(b, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(a, 48), v128.load(b, 48)));
    a += 64;
    b += 64;
  }
  for (; i < n; i += 4) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a), v128.load(b)));
    a += 16;
    b += 16;
  }
  return sumF32(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}
