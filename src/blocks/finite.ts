// Infinite weights and NaN, found by the few bits of a block that can make them: a scale's exponent, or a float's own.

import type { ErrorParts } from "../lfm2-error.ts";
import type { BlockFormat, FormatName } from "./block-format.ts";
import { blockFormats } from "./formats.ts";

/** A little-endian u16 of a block. All its weights are finite unless every bit of `mask` is set in it. */
interface Exponent {
  readonly offset: number;
  readonly mask: number;
}

const half = (offset: number): Exponent => ({ offset, mask: 0x7c00 });
/** BF16, or the upper half of a float32. */
const upper = (offset: number): Exponent => ({ offset, mask: 0x7f80 });

/** Scales are halves, and no product of a half and a block's integers leaves float32; MXFP4's four largest may. */
const exponents: Readonly<Record<FormatName, readonly Exponent[]>> = {
  F32: [upper(2)],
  F16: [half(0)],
  BF16: [upper(0)],
  Q4_0: [half(0)],
  Q4_1: [half(0), half(2)],
  Q5_0: [half(0)],
  Q5_1: [half(0), half(2)],
  Q8_0: [half(0)],
  Q2_K: [half(80), half(82)],
  Q3_K: [half(108)],
  Q4_K: [half(0), half(2)],
  Q5_K: [half(0), half(2)],
  Q6_K: [half(208)],
  IQ4_NL: [half(0)],
  IQ4_XS: [half(0)],
  MXFP4: [{ offset: 0, mask: 0x00fc }],
};

/** The first block from `begin` on with all bits of `mask` set in its u16 at `offset`; -1: none. */
export type ScanBlocks = (offset: number, mask: number, begin: number) => number;

/**
 * The first weight in `blocks` that is infinite or NaN; -1 when all are finite.
 *
 * @param scan  looks through the blocks; a backend has a faster way
 */
export function firstNonFinite(format: BlockFormat, blocks: Uint8Array, scan = scanOf(format, blocks)): number {
  let first = -1;
  for (const { offset, mask } of exponents[format.name]) {
    for (let block = scan(offset, mask, 0); block >= 0; block = scan(offset, mask, block + 1)) {
      const weight = block * format.blockLength;
      if (first >= 0 && weight >= first) break;
      const within = decodeBlock(format, blocks, block).findIndex((value) => !Number.isFinite(value));
      if (within < 0) continue;
      first = weight + within;
      break;
    }
  }
  return first;
}

function scanOf({ blockBytes }: BlockFormat, blocks: Uint8Array): ScanBlocks {
  return (offset, mask, begin) => {
    for (let at = begin * blockBytes + offset; at < blocks.length; at += blockBytes) {
      if (((blocks[at] | (blocks[at + 1] << 8)) & mask) === mask) return (at - offset) / blockBytes;
    }
    return -1;
  };
}

function decodeBlock({ blockBytes, blockLength, decode }: BlockFormat, blocks: Uint8Array, block: number) {
  const weights = new Float32Array(blockLength);
  decode(blocks, block * blockBytes, weights, 0);
  return weights;
}

/**
 * What is wrong with a tensor, where in it, and what to do.
 *
 * @param at      where in the tensor `blocks` begin, in bytes
 * @param weight  the one that is not finite, counted within `blocks`
 */
export function nonFinite(
  tensor: { readonly name: string; readonly shape: readonly number[] },
  name: FormatName,
  blocks: Uint8Array,
  at: number,
  weight: number,
): ErrorParts {
  const format = blockFormats[name];
  const { blockBytes, blockLength } = format;
  const value = decodeBlock(format, blocks, Math.floor(weight / blockLength))[weight % blockLength];
  const place = placeInTensor((at / blockBytes) * blockLength + weight, tensor.shape);
  const cause = blockLength > 1 ? `, from a scale of its ${name} block` : "";
  return {
    subject: tensor.name,
    expected: "finite weights",
    found: `${value} at ${place}${cause}`,
    remedy: "The file is damaged, or its model's training diverged; take another copy.",
  };
}

/** "row 3, column 64" in a tensor [experts, rows, cols], [rows, cols] or [cols]; all counted from 0. */
export function placeInTensor(index: number, shape: readonly number[]): string {
  const axes = ["expert", "row", "column"].slice(-shape.length);
  const places: string[] = [];
  for (let axis = axes.length - 1; axis >= 0; axis--) {
    const size = shape[shape.length - axes.length + axis];
    places.unshift(`${axes[axis]} ${index % size}`);
    index = Math.floor(index / size);
  }
  return places.join(", ");
}
