// Blocks on their way from a file into their places. While weights are written nothing else needs a bank's arena, and so
// it is cut up for them:
//
//   ├ word: bad scales? ┼─ copies ─┼─ room ─┼─ room ─┼─ room ─┼─ room ─┤
//
// A file is read into three rooms while all threads work on the fourth. Whatever comes from elsewhere is copied first.
import type { BlockFormat } from "../blocks/block-format.ts";
import { firstNonFinite } from "../blocks/finite.ts";
import { rowBytes } from "../blocks/formats.ts";
import { aligned, type Bank } from "./bank.ts";
import type { Pool } from "./pool.ts";
import { Sharing } from "./sharing.ts";
import { STRIP_ROWS, stripBytes } from "./sizes.ts";

const ROOMS = 4;
const MOST_ROOM_BYTES = 8 << 20;
const COPY_BYTES = 1 << 18;
const WORD_BYTES = 4;
/** What a thread moves at once, in whole pages. */
const MOVED_BYTES = 1 << 16;

export interface Staging {
  readonly rooms: readonly Uint8Array<ArrayBuffer>[] | undefined;
  /** Blocks as they are, to `address`. @returns the first weight that is infinite or NaN; -1: none */
  move(address: number, format: BlockFormat, bytes: Uint8Array): number;
  /** Whole strips of rows of `cols`, packed, to `address`. @returns as `move` */
  pack(address: number, format: BlockFormat, cols: number, bytes: Uint8Array): number;
}

/** What the arena has to have. @param stripFileBytes  of the longest strip, as a file has it */
export function stagingBytes(stripFileBytes: number): number {
  return aligned(WORD_BYTES) + aligned(stripFileBytes);
}

/** Given: all has been placed in the bank. */
export function createStaging(bank: Bank, pool: Pool, stripFileBytes: number): Staging {
  const sharing = new Sharing(pool);
  bank.release();
  const word = bank.allocate(WORD_BYTES);
  const copyBytes = aligned(Math.max(stripFileBytes, Math.min(COPY_BYTES, bank.arenaBytes >> 2)));
  const copies = bank.allocate(copyBytes);
  const left = Math.floor((bank.arenaBytes - aligned(WORD_BYTES) - copyBytes) / ROOMS);
  const roomBytes = Math.min(MOST_ROOM_BYTES, aligned(left + 1) - aligned(1));
  const rooms = Array.from({ length: ROOMS }, () => bank.read(bank.allocate(roomBytes), roomBytes));
  bank.release();
  const isBad = bank.read(word, WORD_BYTES);

  const isHere = (bytes: Uint8Array): boolean => bytes.buffer === isBad.buffer;

  /** Strips that lie in this bank. */
  function packHere(address: number, format: BlockFormat, cols: number, bytes: Uint8Array): number {
    const from = bytes.byteOffset;
    const work = bytes.byteLength;
    const inRow = rowBytes(format, cols);
    const total = work / (STRIP_ROWS * inRow);
    isBad[0] = 0;
    sharing.run(bank, "packRows", [format.ggmlType, address, from, cols, inRow, word], { work, total, rests: true });
    return isBad[0] === 0 ? -1 : nonFiniteIn(bank, from, format, bytes);
  }

  return {
    rooms: roomBytes > 0 ? rooms : undefined,
    move(address, format, bytes) {
      const work = bytes.byteLength;
      if (isHere(bytes)) {
        sharing.run(bank, "copyBytes", [address, bytes.byteOffset], {
          work,
          total: work,
          grain: MOVED_BYTES,
          rests: true,
        });
      } else bank.write(address, bytes);
      return nonFiniteIn(bank, address, format, bytes);
    },
    pack(address, format, cols, bytes) {
      if (isHere(bytes)) return packHere(address, format, cols, bytes);
      const inFile = STRIP_ROWS * rowBytes(format, cols);
      const strips = Math.floor(copyBytes / inFile);
      for (let done = 0; done < bytes.byteLength; done += strips * inFile) {
        const piece = bytes.subarray(done, done + strips * inFile);
        bank.write(copies, piece);
        const to = address + (done / inFile) * stripBytes(format.ggmlType, cols);
        const found = packHere(to, format, cols, bank.read(copies, piece.byteLength));
        if (found >= 0) return (done / format.blockBytes) * format.blockLength + found;
      }
      return -1;
    },
  };
}

/** `firstNonFinite` of blocks that have been written at `address`. */
function nonFiniteIn({ kernels }: Bank, address: number, format: BlockFormat, bytes: Uint8Array): number {
  const { blockBytes } = format;
  const count = bytes.byteLength / blockBytes;
  return firstNonFinite(format, bytes, (offset, mask, begin) => {
    const blocks = address + begin * blockBytes;
    const found = kernels.firstMasked(blocks, blockBytes, count - begin, offset, mask);
    return found < 0 ? -1 : begin + found;
  });
}
