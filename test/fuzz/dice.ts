// Random choices that a seed repeats.
import { createRandom } from "../../src/sampling/random.ts";

export interface Dice {
  /** An integer in [0, below). */
  below(below: number): number;
  pick<T>(list: readonly T[]): T;
  chance(probability: number): boolean;
  /** In [0, 1). */
  random(): number;
}

/** @param file  which of the files, loads or schedules of the run that `seed` names */
export function diceOf(seed: number, file: number): Dice {
  const random = createRandom((BigInt(seed) << 32n) | BigInt(file));
  const below = (most: number): number => Math.floor(random() * most);
  return { below, pick: (list) => list[below(list.length)], chance: (probability) => random() < probability, random };
}

/** Sizes at which readers break. */
export const awkwardSizes = [
  0n,
  1n,
  2n,
  31n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
] as const;

/** A few bytes of `bytes`, in place, among the first `within`: bits, bytes, sizes. */
export function spoil(bytes: Uint8Array<ArrayBuffer>, within: number, dice: Dice): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let left = 1 + dice.below(4); left > 0; left--) {
    const at = dice.below(Math.max(1, within - 8));
    const kind = dice.below(4);
    if (kind === 0) bytes[at] ^= 1 << dice.below(8);
    else if (kind === 1) bytes[at] = dice.below(256);
    else if (kind === 2 && at + 8 <= bytes.length) view.setBigUint64(at, dice.pick(awkwardSizes), true);
    else if (at + 4 <= bytes.length)
      view.setUint32(at, dice.below(2) === 0 ? dice.below(64) : dice.below(2 ** 32), true);
  }
}

/** Cut, lengthened, or with a part of itself put elsewhere. */
export function reshaped(bytes: Uint8Array<ArrayBuffer>, within: number, dice: Dice): Uint8Array<ArrayBuffer> {
  const at = dice.below(Math.min(within, bytes.length));
  const kind = dice.below(4);
  if (kind === 0) return bytes.slice(0, at);
  if (kind === 1) return Uint8Array.of(...bytes.subarray(0, at), ...randomBytes(dice.below(400), dice));
  const from = dice.below(Math.min(within, bytes.length));
  const part = bytes.slice(from, from + dice.below(200));
  const result = new Uint8Array(bytes.length + (kind === 2 ? part.length : 0));
  result.set(bytes.subarray(0, at));
  result.set(part.subarray(0, result.length - at), at);
  const rest = kind === 2 ? at : at + part.length;
  result.set(
    bytes.subarray(Math.min(rest, bytes.length)).subarray(0, Math.max(0, result.length - at - part.length)),
    Math.min(result.length, at + part.length),
  );
  return result;
}

export function randomBytes(length: number, dice: Dice): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => dice.below(256));
}
