// Q6_K: 256 weights in 210 bytes, 6.5625 bits each. 16 sub-blocks s of 16, each with an i8 scale.
// weight[i] = d · scale[s] · (q[i] − 32), s = ⌊i / 16⌋; q = four low bits + 16 · two high bits
//
//   byte  0                128               192             208       210
//         ├─ low nibbles ──┼─ high pairs 64 ─┼─ scales 16 i8 ─┼─ d f16 ─┤
//
//   Weight 128h + 32g + l: low nibble in byte 64h + 32(g mod 2) + l, upper half of it for g ≥ 2;
//   high pair in byte 32h + l, bits 2g and 2g + 1.
//
// d · scale · q fits 24 bits, so it is exact.

import { type BlockFormat, half } from "./block-format.ts";
import { readF16, writeF16 } from "./f16.ts";
import { createScratch, searchScale, signedLossOf } from "./scale-search.ts";

// One block being encoded. Reused, as a model has millions of them.
const scratch = createScratch();
const scales = new Float64Array(16);
const codes = new Uint8Array(256);

/** Importances are llama.cpp's: the square of the weight. */
function loadWeights(from: Float32Array, at: number): void {
  const { x, importance, weighted } = scratch;
  for (let i = 0; i < 256; i++) {
    x[i] = from[at + i];
    importance[i] = x[i] * x[i];
    weighted[i] = importance[i] * x[i];
  }
}

/** The i8 scale of sub-block s: the rounded one, or a neighbour that loses less. */
function nearestScale(s: number, d: number): number {
  if (d === 0) return 0;
  const rounded = Math.round(scales[s] / d);
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let scale = Math.max(-128, rounded - 1); scale <= Math.min(127, rounded + 1); scale++) {
    const loss = signedLossOf(scratch, 16 * s, 16 * s + 16, 32, d * scale);
    if (loss >= least) continue;
    least = loss;
    best = scale;
  }
  return best;
}

function chooseCodes(s: number, scale: number): void {
  const { x } = scratch;
  const inverse = scale === 0 ? 0 : 1 / scale;
  for (let i = 16 * s; i < 16 * s + 16; i++) codes[i] = Math.max(0, Math.min(63, (x[i] * inverse + 32.5) | 0));
}

export const Q6_K: BlockFormat<"Q6_K"> = {
  name: "Q6_K",
  ggmlType: 14,
  blockLength: 256,
  blockBytes: 210,
  exponents: [half(208)],
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset + 208);
    for (let s = 0; s < 16; s++) {
      const scale = d * ((bytes[offset + 192 + s] << 24) >> 24);
      const half = s >> 3;
      const g = (s >> 1) & 3;
      const l = 16 * (s & 1);
      const low = offset + 64 * half + 32 * (g & 1) + l;
      const high = offset + 128 + 32 * half + l;
      const lowShift = 4 * (g >> 1);
      const highShift = 2 * g;
      for (let i = 0; i < 16; i++) {
        const q = ((bytes[low + i] >> lowShift) & 15) | (((bytes[high + i] >> highShift) & 3) << 4);
        to[at + 16 * s + i] = scale * (q - 32);
      }
    }
  },
  encode(from, at, bytes, offset) {
    loadWeights(from, at);
    let extreme = 0;
    for (let s = 0; s < 16; s++) {
      scales[s] = searchScale(scratch, 16 * s, 16 * s + 16, 32);
      if (Math.abs(scales[s]) > Math.abs(extreme)) extreme = scales[s];
    }
    // The largest scale is stored as −128, as int8 reaches one further on that side.
    writeF16(bytes, offset + 208, extreme / -128);
    const d = readF16(bytes, offset + 208);
    for (let s = 0; s < 16; s++) {
      const scale = nearestScale(s, d);
      bytes[offset + 192 + s] = scale;
      chooseCodes(s, d * scale);
    }
    for (let half = 0; half < 2; half++) {
      for (let l = 0; l < 32; l++) {
        const q = 128 * half + l;
        const low = offset + 64 * half + l;
        bytes[low] = (codes[q] & 15) | ((codes[q + 64] & 15) << 4);
        bytes[low + 32] = (codes[q + 32] & 15) | ((codes[q + 96] & 15) << 4);
        bytes[offset + 128 + 32 * half + l] =
          (codes[q] >> 4) | ((codes[q + 32] >> 4) << 2) | ((codes[q + 64] >> 4) << 4) | ((codes[q + 96] >> 4) << 6);
      }
    }
  },
};
