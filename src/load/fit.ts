// Whether a machine has the memory that a plan asks for, and which options would need less: said before a weight is read.
import { formatGigabytes } from "../quantities.ts";
import { MemoryError } from "../wasm/bank.ts";

/** What a machine can give to one more model. */
export interface FreeMemory {
  readonly bytes: number;
  /** What sets this limit: "free memory of this machine". */
  readonly what: string;
}

/**
 * Node, this library, a tokenizer, and pieces of the file on their way into banks. Measured under Node 20 on Linux, from
 * sources: the most that a process has held, less its banks, was 328 and 365 MB for files of 1.0 and 1.8 GB.
 */
export const PROGRAM_BYTES = 340_000_000;

/** Of these, what loading takes; the rest is there before. */
const LOADING_BYTES = 100_000_000;

/** Whether there is room for banks of `bytes`, and for loading them. */
export function fits(bytes: number, free: FreeMemory): boolean {
  return bytes + LOADING_BYTES <= free.bytes;
}

/** An option that makes a plan smaller, and what it then needs. */
export interface Smaller {
  readonly option: "contextLength" | "kvType" | "quantize";
  readonly value: string | number;
  readonly bytes: number;
}

/**
 * @param bytes    of all banks
 * @param free     undefined where that is unknown
 * @param smaller  plans with other options, the least change first; asked for only when this one does not fit
 * @throws MemoryError naming what is free, what is needed, and the options that would fit
 */
export function checkFits(bytes: number, free: FreeMemory | undefined, smaller: () => Iterable<Smaller>): void {
  if (free === undefined || fits(bytes, free)) return;
  const fitting = [...smaller()].filter((plan) => fits(plan.bytes, free));
  const choices = fitting.map(
    (less) => `${less.option} ${less.value} (${formatGigabytes(less.bytes + LOADING_BYTES)})`,
  );
  const remedy = choices.length > 0 ? `Less would do with ${choices.join(" or ")}` : "Take a smaller model or file";
  throw new MemoryError({
    subject: "model",
    expected: `to need at most ${formatGigabytes(free.bytes)}, the ${free.what}`,
    found: formatGigabytes(bytes + LOADING_BYTES),
    remedy: `${remedy}; or try all the same with ignoreMemory.`,
    options: [...fitting.map(({ option }) => option), "ignoreMemory"],
  });
}
