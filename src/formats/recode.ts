// Weights from one block format to another, piece by piece, in buffers that are used again for every piece.

import type { BlockFormat } from "../blocks/block-format.ts";
import { firstNonFinite, nonFinite, placeInTensor } from "../blocks/finite.ts";
import { blockFormats, decodeRow, encodeRow, rowBytes } from "../blocks/formats.ts";
import type { StoredTensor } from "./checkpoint.ts";
import { FormatError } from "./refusal.ts";

/** @param at  where in the tensor the blocks begin, in bytes; by default where those of the last call ended */
export type Recode = (blocks: Uint8Array, at?: number) => Uint8Array;

/**
 * A function from blocks of a tensor to the same weights in blocks of another format. What it returns is overwritten by
 * the next call.
 *
 * @returns  a function that throws FormatError for a weight that is infinite or NaN, or too large for the other format
 *
 * Given: pieces hold whole blocks of both formats.
 */
export function createRecoder(tensor: Pick<StoredTensor, "name" | "shape" | "format">, to: BlockFormat): Recode {
  const from = blockFormats[tensor.format];
  let next = 0;
  let weights = new Float32Array(0);
  let recoded = new Uint8Array(0);
  return (blocks, at = next) => {
    next = at + blocks.byteLength;
    const found = firstNonFinite(from, blocks);
    if (found >= 0) throw new FormatError(nonFinite(tensor, from.name, blocks, at, found));
    const count = (blocks.byteLength / from.blockBytes) * from.blockLength;
    if (from === to) return blocks;
    if (weights.length < count) {
      weights = new Float32Array(count);
      recoded = new Uint8Array(rowBytes(to, count));
    }
    decodeRow(from, blocks, 0, weights, count);
    encodeRow(to, weights, 0, recoded, 0, count);
    const piece = recoded.subarray(0, rowBytes(to, count));
    const lost = firstNonFinite(to, piece);
    if (lost < 0) return piece;
    const block = lost - (lost % to.blockLength);
    const largest = block + indexOfLargest(weights.subarray(block, block + to.blockLength));
    const place = placeInTensor((at / from.blockBytes) * from.blockLength + largest, tensor.shape);
    throw new FormatError({
      subject: tensor.name,
      expected: `weights that ${to.name} can hold`,
      found: `${weights[largest]} at ${place}`,
      remedy: "Choose a type of wider range, such as BF16, or take another copy of the model.",
    });
  };
}

function indexOfLargest(weights: Float32Array): number {
  let largest = 0;
  for (let i = 1; i < weights.length; i++) if (Math.abs(weights[i]) > Math.abs(weights[largest])) largest = i;
  return largest;
}
