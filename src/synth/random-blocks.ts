// Random blocks of a given standard deviation: random codes under fitting scales, without quantizing any weights.
//
// The mean of the weights is zero in every format, by random signs of the scales or by minimums in the middle of the
// codes. A mean of half a code would be enough to send all hidden states into one direction within a few layers.

import type { BlockFormat } from "../blocks/block-format.ts";
import { writeF16 } from "../blocks/f16.ts";
import { blockFormats, encodeRow, type FormatName } from "../blocks/formats.ts";

/** 32 random bits. */
export type Random = () => number;

/** Mean square of a block's scale relative to the middle one: scales lie evenly between 0.5 and 1.5 of it. */
const SPREAD_SQUARE = 1 + 1 / 12;

interface Recipe {
  /** The standard deviation of the weights when the middle scale is 1. */
  readonly unit: number;
  /** Turns random bytes into one valid block. */
  finish(bytes: Uint8Array, offset: number, scale: number, random: Random): void;
}

/** sqrt(mean of (q − zero)²) for q in [0, count), all alike. */
function rootMeanSquare(count: number, zero: number): number {
  const mean = (count - 1) / 2 - zero;
  return Math.sqrt((count * count - 1) / 12 + mean * mean);
}

/** One scale, half of them negative. */
const signed = (unit: number): Recipe => ({
  unit,
  finish: (bytes, offset, scale, random) => writeF16(bytes, offset, random() & 1 ? scale : -scale),
});

/** 6-bit scales and the same 6-bit minimums, from 32 to 63. */
const superBlock = (codes: number): Recipe => ({
  unit: rootMeanSquare(32, -32) * rootMeanSquare(codes, (codes - 1) / 2),
  finish(bytes, offset, scale) {
    writeF16(bytes, offset, scale);
    writeF16(bytes, offset + 2, (scale * (codes - 1)) / 2);
    for (let s = 0; s < 4; s++) {
      // Bit 5 of scales 0-3 and minimums 0-3 is here, that of 4-7 in the upper two bits.
      const low = (bytes[offset + 4 + s] & 0x5f) | 0xa0;
      bytes[offset + 4 + s] = low;
      bytes[offset + 8 + s] = low;
      bytes[offset + 12 + s] = (bytes[offset + 12 + s] & 15) * 17;
    }
  },
});

const recipes: Partial<Record<FormatName, Recipe>> = {
  Q4_0: signed(rootMeanSquare(16, 8)),
  Q5_0: signed(rootMeanSquare(32, 16)),
  Q5_1: {
    unit: rootMeanSquare(32, 15.5),
    finish(bytes, offset, scale) {
      writeF16(bytes, offset, scale);
      writeF16(bytes, offset + 2, -15.5 * scale);
    },
  },
  Q8_0: {
    // The codes −127 … 127 and 0 once more: no quantizer writes −128.
    unit: Math.sqrt((2 * ((127 * 128 * 255) / 6)) / 256),
    finish(bytes, offset, scale, random) {
      writeF16(bytes, offset, random() & 1 ? scale : -scale);
      for (let i = offset + 2; i < offset + 34; i++) if (bytes[i] === 0x80) bytes[i] = 0;
    },
  },
  Q4_K: superBlock(16),
  Q5_K: superBlock(32),
  Q6_K: {
    // Scales ±64 … ±127.
    unit: rootMeanSquare(64, -64) * rootMeanSquare(64, 32),
    finish(bytes, offset, scale) {
      writeF16(bytes, offset + 208, scale);
      for (let i = offset + 192; i < offset + 208; i++) {
        const magnitude = 64 + (bytes[i] & 63);
        bytes[i] = bytes[i] & 64 ? magnitude : -magnitude;
      }
    },
  },
};

/** `count` blocks whose weights have mean 0 and this standard deviation. Given: a float format, or one with a recipe */
export function randomBlocks(name: FormatName, deviation: number, count: number, random: Random): Uint8Array {
  const format = blockFormats[name];
  const recipe = recipes[name];
  if (recipe === undefined) return randomFloats(format, deviation, count, random);
  const bytes = new Uint8Array(Math.ceil((count * format.blockBytes) / 4) * 4);
  const words = new Uint32Array(bytes.buffer);
  for (let i = 0; i < words.length; i++) words[i] = random();
  const middle = deviation / recipe.unit / Math.sqrt(SPREAD_SQUARE);
  for (let block = 0; block < count; block++) {
    const spread = 0.5 + random() / 2 ** 32;
    recipe.finish(bytes, block * format.blockBytes, middle * spread, random);
  }
  return bytes.subarray(0, count * format.blockBytes);
}

/** Spread evenly over ±√3 deviations. */
function randomFloats(format: BlockFormat, deviation: number, count: number, random: Random): Uint8Array {
  const step = (Math.sqrt(12) * deviation) / 2 ** 32;
  const weights = new Float32Array(count);
  for (let i = 0; i < count; i++) weights[i] = (random() - 2 ** 31) * step;
  const bytes = new Uint8Array(count * format.blockBytes);
  encodeRow(format, weights, 0, bytes, 0, count);
  return bytes;
}
