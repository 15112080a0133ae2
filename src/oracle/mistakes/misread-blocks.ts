// Blocks of a weight read wrongly: another block's scale, nibbles in another order, the least value left out.
import type { BlockFormat } from "../../blocks/block-format.ts";
import type { Weight } from "../../ops/ops.ts";
import type { ReferenceWeight } from "../../reference/tensor.ts";
import { inParts, type Mistake } from "./mistake.ts";

const { bug } = inParts("short convolution", "attention", "router", "feed-forward", "head");

/** Where in a block its integers are, and those of them that share a byte: ends are not included. */
interface Places {
  readonly integers: readonly [from: number, to: number];
  readonly nibbles: readonly [from: number, to: number];
  /** The scale, f16. */
  readonly scale: number;
}

/** By the names of formats; others have no nibbles, or no scale that a neighbour's could be taken for. */
const places: Readonly<Record<string, Places>> = {
  Q4_0: { integers: [2, 18], nibbles: [2, 18], scale: 0 },
  Q4_1: { integers: [4, 20], nibbles: [4, 20], scale: 0 },
  Q5_0: { integers: [2, 22], nibbles: [6, 22], scale: 0 },
  Q5_1: { integers: [4, 24], nibbles: [8, 24], scale: 0 },
  Q8_0: { integers: [2, 34], nibbles: [2, 2], scale: 0 },
  Q4_K: { integers: [16, 144], nibbles: [16, 144], scale: 0 },
  Q5_K: { integers: [16, 176], nibbles: [48, 176], scale: 0 },
  Q6_K: { integers: [0, 192], nibbles: [0, 128], scale: 208 },
};

type Decode = (
  format: BlockFormat,
  places: Places,
  at: { readonly bytes: Uint8Array; readonly offset: number; readonly to: Float32Array; readonly at: number },
) => void;

/** A weight of the same bytes, which gives other numbers; undefined where they are no blocks. */
function misread(w: Weight, decode: Decode): Weight {
  const { format } = w as Partial<ReferenceWeight>;
  const found = format && places[format.name];
  if (format === undefined || found === undefined) return w;
  const read: BlockFormat["decode"] = (bytes, offset, to, at) => decode(format, found, { bytes, offset, to, at });
  return { ...w, format: { ...format, decodeRun: undefined, decode: read } } as Weight;
}

function blocks(cause: string, says: string, decode: Decode): Mistake {
  return bug(cause, says, (ops) => ({
    linear: (x, w) => ops.linear(x, misread(w, decode)),
    expertLinear: (x, w, ids) => ops.expertLinear(x, misread(w, decode), ids),
  }));
}

/** A block with other bytes. */
function changed(
  { bytes, offset }: Parameters<Decode>[2],
  { blockBytes }: BlockFormat,
  change: (block: Uint8Array) => void,
) {
  const block = bytes.slice(offset, offset + blockBytes);
  change(block);
  return block;
}

/** The scale of the block `by` blocks on; the last, or the first, has its own. */
const scaleOfOther = (says: string, by: number): Mistake =>
  blocks("neighbours-scale", says, (format, { scale }, given) => {
    const from = given.offset + by * format.blockBytes;
    const block = changed(given, format, (own) => {
      if (from >= 0 && from < given.bytes.length) own.set(given.bytes.subarray(from + scale, from + scale + 2), scale);
    });
    format.decode(block, 0, given.to, given.at);
  });

export const misreadBlocks: readonly Mistake[] = [
  scaleOfOther("every block of weights with the scale of the one before", -1),
  scaleOfOther("every block of weights with the scale of the next", 1),
  blocks("nibbles-exchanged", "the two weights of a byte exchanged", (format, { nibbles: [begin, end] }, given) => {
    const block = changed(given, format, (own) => {
      for (let i = begin; i < end; i++) own[i] = (own[i] >> 4) | (own[i] << 4);
    });
    format.decode(block, 0, given.to, given.at);
  }),
  blocks(
    "nibbles-in-pairs",
    "the two weights of a byte beside each other",
    (format, { nibbles: [begin, end] }, given) => {
      const { bytes, offset, to, at } = given;
      format.decode(bytes, offset, to, at);
      const half = end - begin;
      if (2 * half !== format.blockLength) return;
      const numbers = to.slice(at, at + format.blockLength);
      numbers.forEach((_, i) => {
        to[at + i] = numbers[(i >> 1) + (i % 2) * half];
      });
    },
  ),
  blocks("min-ignored", "what is added to a block of weights left out", (format, { integers: [begin, end] }, given) => {
    const { bytes, offset, to, at } = given;
    const least = new Float32Array(format.blockLength);
    format.decode(
      changed(given, format, (own) => own.fill(0, begin, end)),
      0,
      least,
      0,
    );
    format.decode(bytes, offset, to, at);
    least.forEach((value, i) => {
      to[at + i] -= value;
    });
  }),
];
