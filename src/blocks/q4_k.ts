// Q4_K and Q5_K: 256 weights to a block. 8 sub-blocks s of 32, each with a 6-bit scale and minimum.
// weight[i] = d · scale[s] · q[i] − dmin · min[s], s = ⌊i / 32⌋
//
//   Q4_K, 144 bytes, 4.5 bits each
//   byte  0         2            4             16                144
//         ├─ d f16 ─┼─ dmin f16 ─┼─ scales 12 ─┼─ nibbles 128 ───┤
//
//   Q5_K, 176 bytes, 5.5 bits each
//   byte  0         2            4             16               48                176
//         ├─ d f16 ─┼─ dmin f16 ─┼─ scales 12 ─┼─ fifth bits 32 ─┼─ nibbles 128 ───┤
//
//   Nibble byte 32c + l: weight 64c + l low, 64c + 32 + l high. Fifth bit of weight 32s + l: bit s of byte l.
//
//   scales  byte 0-3            4-7                8-11
//           s[j+4] 5,4 | s[j]   m[j+4] 5,4 | m[j]  m[j+4] 3-0 | s[j+4] 3-0      j = 0 … 3
//
// Both products fit 24 bits, so they are exact; storing their difference rounds once, as float32 does.

import { type BlockFormat, half } from "./block-format.ts";
import { readF16, writeF16 } from "./f16.ts";
import { createScratch, type Found, lossOf, searchScaleAndMin } from "./scale-search.ts";

function scaleOf(bytes: Uint8Array, scales: number, s: number): number {
  if (s < 4) return bytes[scales + s] & 63;
  return (bytes[scales + s + 4] & 15) | ((bytes[scales + s - 4] >> 6) << 4);
}

function minOf(bytes: Uint8Array, scales: number, s: number): number {
  if (s < 4) return bytes[scales + s + 4] & 63;
  return (bytes[scales + s + 4] >> 4) | ((bytes[scales + s] >> 6) << 4);
}

function setScaleAndMin(bytes: Uint8Array, scales: number, s: number, scale: number, min: number): void {
  if (s < 4) {
    bytes[scales + s] |= scale;
    bytes[scales + s + 4] |= min;
  } else {
    bytes[scales + s + 4] = (scale & 15) | ((min & 15) << 4);
    bytes[scales + s - 4] |= (scale >> 4) << 6;
    bytes[scales + s] |= (min >> 4) << 6;
  }
}

// One block being encoded. Reused, as a model has millions of them.
const scratch = createScratch();
const found: Found = { scale: 0, min: 0 };
const scales = new Float64Array(8);
const mins = new Float64Array(8);
const codes = new Uint8Array(256);

/** Fills the first 16 bytes of the block, and `codes` with each weight's q. */
function encodeScales(maxCode: number, from: Float32Array, at: number, bytes: Uint8Array, offset: number): void {
  loadWeights(from, at);
  let maxScale = 0;
  let maxMin = 0;
  for (let s = 0; s < 8; s++) {
    searchScaleAndMin(scratch, 32 * s, 32 * s + 32, maxCode, found);
    scales[s] = found.scale;
    mins[s] = found.min;
    maxScale = Math.max(maxScale, found.scale);
    maxMin = Math.max(maxMin, found.min);
  }
  bytes.fill(0, offset, offset + 16);
  writeF16(bytes, offset, maxScale / 63);
  writeF16(bytes, offset + 2, maxMin / 63);
  const d = readF16(bytes, offset);
  const dmin = readF16(bytes, offset + 2);
  for (let s = 0; s < 8; s++) {
    const near = nearestScales(s, maxCode, d, dmin);
    setScaleAndMin(bytes, offset + 4, s, near & 63, near >> 6);
    chooseCodes(s, maxCode, d * (near & 63), dmin * (near >> 6));
  }
}

/** Importances are llama.cpp's: the root mean square of a sub-block and the weight's own magnitude, added. */
function loadWeights(from: Float32Array, at: number): void {
  const { x, importance, weighted } = scratch;
  for (let begin = 0; begin < 256; begin += 32) {
    let sum = 0;
    for (let i = begin; i < begin + 32; i++) {
      x[i] = from[at + i];
      sum += x[i] * x[i];
    }
    const rootMeanSquare = Math.sqrt(sum / 32);
    for (let i = begin; i < begin + 32; i++) {
      importance[i] = rootMeanSquare + Math.abs(x[i]);
      weighted[i] = importance[i] * x[i];
    }
  }
}

/**
 * The 6-bit scale, and the 6-bit minimum times 64, of sub-block s: the rounded ones, or neighbours that lose less. Looking
 * at the neighbours takes 2 % off the squared error in Q4_K and 6 % in Q5_K.
 */
function nearestScales(s: number, maxCode: number, d: number, dmin: number): number {
  const scale = d > 0 ? Math.min(63, Math.round(scales[s] / d)) : 0;
  const min = dmin > 0 ? Math.min(63, Math.round(mins[s] / dmin)) : 0;
  let best = scale | (min << 6);
  let least = Number.POSITIVE_INFINITY;
  for (let a = Math.max(0, scale - 1); a <= Math.min(63, scale + 1); a++) {
    for (let b = Math.max(0, min - 1); b <= Math.min(63, min + 1); b++) {
      const loss = lossOf(scratch, 32 * s, 32 * s + 32, maxCode, d * a, dmin * b);
      if (loss >= least) continue;
      least = loss;
      best = a | (b << 6);
    }
  }
  return best;
}

function chooseCodes(s: number, maxCode: number, scale: number, min: number): void {
  const { x } = scratch;
  const inverse = scale > 0 ? 1 / scale : 0;
  for (let i = 32 * s; i < 32 * s + 32; i++) {
    codes[i] = Math.max(0, Math.min(maxCode, ((x[i] + min) * inverse + 0.5) | 0));
  }
}

export const Q4_K: BlockFormat<"Q4_K"> = {
  name: "Q4_K",
  ggmlType: 12,
  blockLength: 256,
  blockBytes: 144,
  exponents: [half(0), half(2)],
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset);
    const dmin = readF16(bytes, offset + 2);
    for (let s = 0; s < 8; s++) {
      const scale = d * scaleOf(bytes, offset + 4, s);
      const min = dmin * minOf(bytes, offset + 4, s);
      const q = offset + 16 + 32 * (s >> 1);
      const shift = 4 * (s & 1);
      for (let l = 0; l < 32; l++) to[at + 32 * s + l] = scale * ((bytes[q + l] >> shift) & 15) - min;
    }
  },
  encode(from, at, bytes, offset) {
    encodeScales(15, from, at, bytes, offset);
    for (let i = 0; i < 128; i++) {
      const low = 2 * i - (i & 31); // 64c + l
      bytes[offset + 16 + i] = codes[low] | (codes[low + 32] << 4);
    }
  },
};

export const Q5_K: BlockFormat<"Q5_K"> = {
  name: "Q5_K",
  ggmlType: 13,
  blockLength: 256,
  blockBytes: 176,
  exponents: [half(0), half(2)],
  decode(bytes, offset, to, at) {
    const d = readF16(bytes, offset);
    const dmin = readF16(bytes, offset + 2);
    const fifth = offset + 16;
    for (let s = 0; s < 8; s++) {
      const scale = d * scaleOf(bytes, offset + 4, s);
      const min = dmin * minOf(bytes, offset + 4, s);
      const q = offset + 48 + 32 * (s >> 1);
      const shift = 4 * (s & 1);
      for (let l = 0; l < 32; l++) {
        const five = ((bytes[q + l] >> shift) & 15) | (((bytes[fifth + l] >> s) & 1) << 4);
        to[at + 32 * s + l] = scale * five - min;
      }
    }
  },
  encode(from, at, bytes, offset) {
    encodeScales(31, from, at, bytes, offset);
    for (let l = 0; l < 32; l++) {
      let fifths = 0;
      for (let s = 0; s < 8; s++) fifths |= (codes[32 * s + l] >> 4) << s;
      bytes[offset + 16 + l] = fifths;
    }
    for (let i = 0; i < 128; i++) {
      const low = 2 * i - (i & 31);
      bytes[offset + 48 + i] = (codes[low] & 15) | ((codes[low + 32] & 15) << 4);
    }
  },
};
