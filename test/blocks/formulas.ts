// What each weight of a block is, one at a time and straight from the formats' definitions: slow, and written apart
// from the decoders, so that the two check each other. Every step is rounded to float32.
//
// Sources: ggml-common.h (block layouts), ggml-quants.c (formulas).
import type { FormatName } from "../../src/blocks/formats.ts";

const f = Math.fround;

/** A block as bits: bit 8·i + j of it is bit j of byte i. */
function bits(block: Uint8Array, from: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) {
    const bit = from + i;
    value += ((block[Math.floor(bit / 8)] >> (bit % 8)) & 1) * 2 ** i;
  }
  return value;
}

const u8 = (block: Uint8Array, byte: number) => bits(block, 8 * byte, 8);
const u16 = (block: Uint8Array, byte: number) => bits(block, 8 * byte, 16);
const u32 = (block: Uint8Array, byte: number) => bits(block, 8 * byte, 32);
const low = (block: Uint8Array, byte: number) => bits(block, 8 * byte, 4);
const high = (block: Uint8Array, byte: number) => bits(block, 8 * byte + 4, 4);

function i8(block: Uint8Array, byte: number): number {
  const value = u8(block, byte);
  return value < 128 ? value : value - 256;
}

function f16(block: Uint8Array, byte: number): number {
  const half = u16(block, byte);
  const sign = half >= 32768 ? -1 : 1;
  const exponent = Math.floor(half / 1024) % 32;
  const mantissa = half % 1024;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

function f32(word: number): number {
  return new DataView(Uint32Array.of(word).buffer).getFloat32(0, true);
}

/** The 4-bit number of weight i in a run of 32 that begins at `byte`. */
const nibble = (block: Uint8Array, byte: number, i: number) =>
  i < 16 ? low(block, byte + i) : high(block, byte + i - 16);

const iq4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
const e2m1 = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/** Scale and minimum j of Q4_K and Q5_K; `s` is where their 12 bytes begin. */
function scaleMin(block: Uint8Array, s: number, j: number): [number, number] {
  const byte = (k: number) => u8(block, s + k);
  if (j < 4) return [byte(j) & 63, byte(j + 4) & 63];
  return [(byte(j + 4) & 15) | ((byte(j - 4) >> 6) << 4), (byte(j + 4) >> 4) | ((byte(j) >> 6) << 4)];
}

/** The value of weight i of a block. */
export const formulas: Readonly<Record<FormatName, (block: Uint8Array, i: number) => number>> = {
  F32: (b) => f32(u32(b, 0)),
  F16: (b) => f16(b, 0),
  BF16: (b) => f32(u16(b, 0) * 65536),
  Q4_0: (b, i) => f(f16(b, 0) * (nibble(b, 2, i) - 8)),
  Q4_1: (b, i) => f(f(f16(b, 0) * nibble(b, 4, i)) + f16(b, 2)),
  Q5_0: (b, i) => f(f16(b, 0) * (nibble(b, 6, i) + 16 * bits(b, 8 * 2 + i, 1) - 16)),
  Q5_1: (b, i) => f(f(f16(b, 0) * (nibble(b, 8, i) + 16 * bits(b, 8 * 4 + i, 1))) + f16(b, 2)),
  Q8_0: (b, i) => f(f16(b, 0) * i8(b, 2 + i)),
  Q2_K(b, i) {
    const h = Math.floor(i / 128);
    const q = bits(b, 8 * (16 + 32 * h + (i % 32)) + 2 * (Math.floor(i / 32) % 4), 2);
    const s = Math.floor(i / 16);
    return f(f(f(f16(b, 80) * low(b, s)) * q) - f(f16(b, 82) * high(b, s)));
  },
  Q3_K(b, i) {
    const h = Math.floor(i / 128);
    const q = bits(b, 8 * (32 + 32 * h + (i % 32)) + 2 * (Math.floor(i / 32) % 4), 2);
    const hasHigh = bits(b, 8 * (i % 32) + Math.floor(i / 32), 1);
    const s = Math.floor(i / 16);
    const lowBits = s < 8 ? low(b, 96 + s) : high(b, 96 + s - 8);
    const highBits = bits(b, 8 * (96 + 8 + (s % 4)) + 2 * Math.floor(s / 4), 2);
    return f(f(f16(b, 108) * (lowBits + 16 * highBits - 32)) * (q - (hasHigh ? 0 : 4)));
  },
  Q4_K(b, i) {
    const c = Math.floor(i / 64);
    const l = i % 32;
    const q = i % 64 < 32 ? low(b, 16 + 32 * c + l) : high(b, 16 + 32 * c + l);
    const [scale, min] = scaleMin(b, 4, Math.floor(i / 32));
    return f(f(f(f16(b, 0) * scale) * q) - f(f16(b, 2) * min));
  },
  Q5_K(b, i) {
    const c = Math.floor(i / 64);
    const l = i % 32;
    const q =
      (i % 64 < 32 ? low(b, 48 + 32 * c + l) : high(b, 48 + 32 * c + l)) +
      16 * bits(b, 8 * (16 + l) + Math.floor(i / 32), 1);
    const [scale, min] = scaleMin(b, 4, Math.floor(i / 32));
    return f(f(f(f16(b, 0) * scale) * q) - f(f16(b, 2) * min));
  },
  Q6_K(b, i) {
    const h = Math.floor(i / 128);
    const g = Math.floor(i / 32) % 4;
    const l = i % 32;
    const low4 = bits(b, 8 * (64 * h + 32 * (g % 2) + l) + (g < 2 ? 0 : 4), 4);
    const high2 = bits(b, 8 * (128 + 32 * h + l) + 2 * g, 2);
    return f(f(f16(b, 208) * i8(b, 192 + 8 * h + 2 * g + Math.floor(l / 16))) * (low4 + 16 * high2 - 32));
  },
  IQ4_NL: (b, i) => f(f16(b, 0) * iq4[nibble(b, 2, i)]),
  IQ4_XS(b, i) {
    const s = Math.floor(i / 32);
    const scale = bits(b, 8 * 4 + 4 * s, 4) + 16 * bits(b, 8 * 2 + 2 * s, 2) - 32;
    return f(f(f16(b, 0) * scale) * iq4[nibble(b, 8 + 16 * s, i % 32)]);
  },
  MXFP4(b, i) {
    const e = u8(b, 0);
    const scale = e < 2 ? f32(0x00200000 << e) : f32((e - 1) * 2 ** 23);
    return f(scale * e2m1[nibble(b, 1, i)]);
  },
};
