// A pool of random blocks that tensors are cut from: filling gigabytes with fresh ones would take minutes.
//
// A tensor begins at a random block and goes round. The number of blocks is prime to the number of blocks in a row (a
// power of two times 3, 5 or 7), so no two rows of one tensor are alike: at 32 MiB there are more blocks than rows.
// Rows of different tensors are parts of the same blocks, mostly cut elsewhere; products with independent inputs
// do not show it.

import { blockFormats, type FormatName } from "../blocks/formats.ts";
import { type Random, randomBlocks } from "./random-blocks.ts";

const POOL_BYTES = 32 << 20;
const PRIMES = 2 * 3 * 5 * 7;
/** Bytes handed out at once. */
const PIECE_BYTES = 4 << 20;

export interface Pool {
  /** `bytes` of blocks, from a random one on, in pieces that must not be changed. */
  take(bytes: number): Generator<Uint8Array, void>;
}

/** @param most  blocks that the largest tensor needs: a smaller pool than 32 MiB does for a small model */
export function createPool(format: FormatName, deviation: number, most: number, random: Random): Pool {
  const { blockBytes } = blockFormats[format];
  const wanted = Math.min(most, Math.floor(POOL_BYTES / blockBytes));
  const count = Math.ceil(wanted / PRIMES) * PRIMES + 1;
  const blocks = randomBlocks(format, deviation, count, random);
  return {
    *take(bytes) {
      let at = (random() % count) * blockBytes;
      for (let left = bytes; left > 0; ) {
        const length = Math.min(left, PIECE_BYTES, blocks.length - at);
        yield blocks.subarray(at, at + length);
        left -= length;
        at = (at + length) % blocks.length;
      }
    },
  };
}
