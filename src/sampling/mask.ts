// Which ids may come next, as bits: id is allowed when bit (id & 31) of word (id >>> 5) is set.
import { SamplingError } from "./options.ts";

export function isAllowed(mask: Uint32Array, id: number): boolean {
  return ((mask[id >>> 5] >>> (id & 31)) & 1) === 1;
}

/** A mask with one id less; undefined stands for a mask of all. */
export function withoutId(mask: Uint32Array | undefined, id: number, vocabSize: number): Uint32Array {
  const fewer = mask?.slice() ?? new Uint32Array(Math.ceil(vocabSize / 32)).fill(0xffffffff);
  fewer[id >>> 5] &= ~(1 << (id & 31));
  return fewer;
}

/** @throws SamplingError unless the mask has a word for every 32 ids; bits past the vocabulary count for nothing */
export function checkMask(mask: Uint32Array, vocabSize: number): void {
  const words = Math.ceil(vocabSize / 32);
  if (mask.length === words) return;
  throw new SamplingError({ subject: "allowed", expected: `${words} words (32 ids each)`, found: mask.length });
}
