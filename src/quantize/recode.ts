// Weights from one block format to another, piece by piece, in buffers that are used again for every piece.
import { type BlockFormat, decodeRow, encodeRow, rowBytes } from "../blocks/formats.ts";
import { FormatError } from "../formats/checkpoint.ts";

/**
 * A function from blocks to the same weights in other blocks. What it returns is overwritten by the next call.
 *
 * @param name  of the tensor, for messages
 * @returns     throws FormatError for a weight that is infinite or no number: its block would lose the others too
 *
 * Given: pieces hold whole blocks of both formats.
 */
export function createRecoder(name: string, from: BlockFormat, to: BlockFormat): (blocks: Uint8Array) => Uint8Array {
  if (from === to) return (blocks) => blocks;
  let weights = new Float32Array(0);
  let recoded = new Uint8Array(0);
  return (blocks) => {
    const count = (blocks.byteLength / from.blockBytes) * from.blockLength;
    if (weights.length < count) {
      weights = new Float32Array(count);
      recoded = new Uint8Array(rowBytes(to, count));
    }
    decodeRow(from, blocks, 0, weights, count);
    if (to.blockLength > 1) checkFinite(name, weights, count);
    encodeRow(to, weights, 0, recoded, 0, count);
    return recoded.subarray(0, rowBytes(to, count));
  };
}

function checkFinite(name: string, weights: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    if (weights[i] - weights[i] === 0) continue;
    throw new FormatError(
      `${name}: expected finite weights, found ${weights[i]}. The model is damaged, or its training diverged; ` +
        "take another copy.",
    );
  }
}
