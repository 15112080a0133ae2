// Infinite weights and NaN, found by the few bits of a block that can make them: a scale's exponent, or a float's own.

import type { ErrorParts } from "../lfm2-error.ts";
import type { BlockFormat } from "./block-format.ts";
import { blockFormats, type FormatName } from "./formats.ts";

/** The first block from `begin` on with all bits of `mask` set in its u16 at `offset`; -1: none. */
export type ScanBlocks = (offset: number, mask: number, begin: number) => number;

/**
 * The first weight in `blocks` that is infinite or NaN; -1 when all are finite.
 *
 * @param scan  looks through the blocks; a backend has a faster way
 */
export function firstNonFinite(format: BlockFormat, blocks: Uint8Array, scan = scanOf(format, blocks)): number {
  let first = -1;
  for (const { offset, mask } of format.exponents) {
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
