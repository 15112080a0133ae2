// One row of weights in any block format, decoded to float32. Formats have the numbers that GGUF gives them.
import { BF16, decodeBF16, decodeF16, decodeF32, F16, F32 } from "./floats";
import { decodeIQ4_NL, decodeIQ4_XS, IQ4_NL, IQ4_XS } from "./iq4";
import { decodeMXFP4, MXFP4 } from "./mxfp4";
import { decodeQ2_K, Q2_K } from "./q2_k";
import { decodeQ3_K, Q3_K } from "./q3_k";
import { decodeQ4_0, decodeQ4_1, Q4_0, Q4_1 } from "./q4";
import { decodeQ4_K, decodeQ5_K, Q4_K, Q5_K } from "./q4_k";
import { decodeQ5_0, decodeQ5_1, Q5_0, Q5_1 } from "./q5";
import { decodeQ6_K, Q6_K } from "./q6_k";
import { decodeQ8_0, Q8_0 } from "./q8_0";

/** `cols` weights from the beginning of a block on: to f32[cols]. */
export function decodeRow(format: i32, to: usize, from: usize, cols: i32): void {
  switch (format) {
    case F32:
      decodeF32(to, from, cols);
      break;
    case F16:
      decodeF16(to, from, cols);
      break;
    case BF16:
      decodeBF16(to, from, cols);
      break;
    case Q4_0:
      decodeQ4_0(to, from, cols);
      break;
    case Q4_1:
      decodeQ4_1(to, from, cols);
      break;
    case Q5_0:
      decodeQ5_0(to, from, cols);
      break;
    case Q5_1:
      decodeQ5_1(to, from, cols);
      break;
    case Q8_0:
      decodeQ8_0(to, from, cols);
      break;
    case Q2_K:
      decodeQ2_K(to, from, cols);
      break;
    case Q3_K:
      decodeQ3_K(to, from, cols);
      break;
    case Q4_K:
      decodeQ4_K(to, from, cols);
      break;
    case Q5_K:
      decodeQ5_K(to, from, cols);
      break;
    case Q6_K:
      decodeQ6_K(to, from, cols);
      break;
    case IQ4_NL:
      decodeIQ4_NL(to, from, cols);
      break;
    case IQ4_XS:
      decodeIQ4_XS(to, from, cols);
      break;
    case MXFP4:
      decodeMXFP4(to, from, cols);
      break;
    default:
      unreachable();
  }
}
