// Workers that share the kernels' work: one op at a time, cut into as many parts as there are threads, and these into ranges.
// A thread takes the ranges of its own part, and then those that are left of the others'.
//
// The model's own thread publishes an op in a small shared memory and takes ranges itself; helpers spin until they see
// it, for a while, and then sleep, so that an idle model costs nothing. Nobody waits for a helper that has taken
// nothing: on a machine busy with other things, a helper that gets no processor costs little. What is lost by waiting for
// threads that have no processor decides how many take part.
import { Lfm2Error } from "../lfm2-error.ts";
import type { Bank } from "./bank.ts";
import { type Kernels, type SharedArguments, sharedKernels } from "./compiled.ts";
import { createCrowding } from "./crowding.ts";
import { spin } from "./spin.ts";

export type SharedKernel = keyof SharedArguments;

/** How an op is cut: `total` units, in ranges that begin at multiples of `grain`; `scratchBytes` of scratch for each thread. */
export interface Share {
  readonly total: number;
  readonly grain: number;
  readonly scratch?: number;
  readonly scratchBytes?: number;
  /** Helpers do not spin afterwards: there is other work for their processors, such as reading a file. */
  readonly rests?: boolean;
}

export interface Pool {
  /** Threads, this one included. */
  readonly size: number;
  /** So many of them take part from now on; all, until told otherwise. */
  use(threads: number): void;
  /** Milliseconds in which threads have waited for others that had no processor, so far. */
  readonly lostMs: number;
  /** Runs a kernel to its end. */
  run<Kernel extends SharedKernel>(bank: Bank, kernel: Kernel, args: SharedArguments[Kernel], share: Share): void;
}

/** Everything on the caller's thread. */
export const alone: Pool = {
  size: 1,
  use() {},
  lostMs: 0,
  run({ kernels }, kernel, args, { total, scratch = 0 }) {
    call(kernels, kernel, [...args, 0, total, scratch]);
  },
};

/** A helper died in the middle of an op, or does not answer. */
export class PoolError extends Lfm2Error {
  override readonly name = "PoolError";
}

// Words of the shared memory.
const GENERATION = 0; // counts published ops
const ACTIVE = 2; // helpers that may be taking ranges
const SLEEPERS = 3; // helpers that wait to be woken
const KERNEL = 4;
const BANK = 5;
const ARGS = 6; // how many
const TOTAL = 7;
const GRAIN = 8; // ranges are multiples of it
const THREADS = 11;
const RESTS = 12; // 1 after an op that is not soon followed by another
const FAILED = 9; // length of the message of a helper that failed
const WAITING = 10; // 1 while the publisher sleeps until helpers are done
const LIMIT = 13; // threads that take part; the others sleep until it changes
const LOST = 14; // microseconds in which spinning helpers had no processor, modulo 2³²
const ARG_BYTES = 64; // float64 values: args, then scratch and scratchBytes
const MESSAGE_BYTES = 512;
const NEXT_BYTES = 1024; // for each thread the number of the next range to take of its part, in a cache line of its own
const LINE_BYTES = 64;

/** Number of the next range while no op is open; far from overflow, however often threads ask. */
const CLOSED = 1 << 30;
/** The smallest range, in parts: smaller ones cost more in new streams than they gain in balance. */
const LEAST_SHARE = 1 / 32;
/** Longer than sampling takes between two tokens, shorter than anyone notices. */
const SPIN_MS = 10;
/**
 * For helpers that are in the middle of a range: as long as it takes to wake a thread, about. Whoever spins for longer may
 * keep the processor from the very thread that it waits for.
 */
const SHORT_SPIN_MS = 0.05;
/** A range of a 512-token step takes a fraction of a second; this is a thread that will not come back. */
const PATIENCE_MS = 60_000;

/** @param size  threads, the publisher's included */
export function createControl(size: number): SharedArrayBuffer {
  return new SharedArrayBuffer(NEXT_BYTES + size * LINE_BYTES);
}

/** Word of the number of the next range of a thread's part. */
function nextOf(thread: number): number {
  return (NEXT_BYTES + thread * LINE_BYTES) >> 2;
}

/** The publishing side. Helpers run `help` on the same control. */
export function createPool(control: SharedArrayBuffer, size: number): Pool {
  const words = new Int32Array(control);
  const numbers = new Float64Array(control, ARG_BYTES);
  const setNext = (number: number, threads: number): void => {
    for (let thread = 0; thread < threads; thread++) Atomics.store(words, nextOf(thread), number);
  };
  setNext(CLOSED, size);
  Atomics.store(words, LIMIT, size);
  const crowding = createCrowding(size);
  let lostMs = 0;
  let lost = 0;
  const countLost = (): void => {
    const now = Atomics.load(words, LOST);
    lostMs += ((now - lost) >>> 0) / 1000;
    lost = now;
  };
  const limit = (): void => {
    countLost();
    const threads = crowding.threadsAt(performance.now(), lostMs);
    if (words[LIMIT] === threads) return;
    Atomics.store(words, LIMIT, threads);
    Atomics.notify(words, LIMIT);
  };
  return {
    size,
    use: crowding.want,
    get lostMs() {
      countLost();
      return lostMs;
    },
    run(bank, kernel, args, { total, grain, scratch = 0, scratchBytes = 0, rests = false }) {
      if (!rests) limit();
      // No helper reads any of this before it has taken a range.
      numbers.set(args);
      numbers[args.length] = scratch;
      numbers[args.length + 1] = scratchBytes;
      words[KERNEL] = sharedKernels.indexOf(kernel);
      words[BANK] = bank.index;
      words[ARGS] = args.length;
      words[TOTAL] = total;
      words[GRAIN] = grain;
      words[THREADS] = words[LIMIT];
      words[RESTS] = Number(rests);
      words[FAILED] = 0; // of an op in which this thread failed, too
      setNext(0, words[THREADS]);
      Atomics.add(words, GENERATION, 1);
      if (Atomics.load(words, SLEEPERS) > 0) Atomics.notify(words, GENERATION);
      try {
        takeRanges(() => bank.kernels, words, numbers, 0);
      } finally {
        setNext(CLOSED, words[THREADS]);
        // While a file is read, its pages are waited for, too.
        const waitedMs = awaitHelpers(words);
        if (!rests) lostMs += waitedMs;
      }
      throwFailure(words, control);
    },
  };
}

/** Until no helper is in the middle of a range. @returns the milliseconds that it took, where they are many */
function awaitHelpers(words: Int32Array<SharedArrayBuffer>): number {
  const isOver = (): boolean => Atomics.load(words, ACTIVE) === 0;
  const begin = spin(isOver, SHORT_SPIN_MS).late;
  if (begin === undefined) return 0;
  while (!isOver()) {
    Atomics.store(words, WAITING, 1);
    const active = Atomics.load(words, ACTIVE);
    const outcome = active === 0 ? "not-equal" : Atomics.wait(words, ACTIVE, active, PATIENCE_MS);
    Atomics.store(words, WAITING, 0);
    if (outcome === "timed-out") {
      throw new PoolError({
        subject: "helper threads",
        expected: "all of them to finish",
        found: `${active} busy after ${PATIENCE_MS} ms`,
      });
    }
  }
  return performance.now() - begin;
}

function throwFailure(words: Int32Array<SharedArrayBuffer>, control: SharedArrayBuffer): void {
  const length = Atomics.load(words, FAILED);
  if (length === 0) return;
  Atomics.store(words, FAILED, 0);
  const message = new Uint8Array(control, MESSAGE_BYTES, length).slice();
  const found = new TextDecoder().decode(message);
  const sentence = `A helper thread failed: ${found}.`;
  throw new PoolError({ subject: "helper thread", expected: "it to finish", found, sentence });
}

/** A helper's life: never returns. `index` counts the threads from 1. */
export function help(control: SharedArrayBuffer, banks: readonly Kernels[], index: number): never {
  const words = new Int32Array(control);
  const numbers = new Float64Array(control, ARG_BYTES);
  for (let seen = 0; ; ) {
    seen = awaitOp(words, seen, index);
    // From here on the publisher waits, so whatever range is taken belongs to the op that the memory describes.
    Atomics.add(words, ACTIVE, 1);
    try {
      takeRanges(() => banks[words[BANK]], words, numbers, index);
    } catch (error) {
      const message = new TextEncoder().encode(String(error)).subarray(0, NEXT_BYTES - MESSAGE_BYTES);
      new Uint8Array(control, MESSAGE_BYTES).set(message);
      Atomics.store(words, FAILED, message.length);
    }
    Atomics.sub(words, ACTIVE, 1);
    if (Atomics.load(words, WAITING) !== 0) Atomics.notify(words, ACTIVE);
  }
}

/** How helper `index` waits for another op than the one it has seen. @returns its generation */
function awaitOp(words: Int32Array<SharedArrayBuffer>, seen: number, index: number): number {
  const isDone = (): boolean =>
    Atomics.load(words, GENERATION) !== seen || words[RESTS] !== 0 || Atomics.load(words, LIMIT) <= index;
  for (;;) {
    const { lostMs } = spin(isDone, SPIN_MS);
    if (lostMs > 0) Atomics.add(words, LOST, Math.round(1000 * lostMs));
    const limit = Atomics.load(words, LIMIT);
    if (limit <= index) {
      Atomics.wait(words, LIMIT, limit);
      continue;
    }
    const generation = Atomics.load(words, GENERATION);
    if (generation !== seen) return generation;
    // An op that is published in between changes the word, and then there is no wait.
    Atomics.add(words, SLEEPERS, 1);
    Atomics.wait(words, GENERATION, seen);
    Atomics.sub(words, SLEEPERS, 1);
  }
}

/** Takes ranges of the open op until there are none. `kernels` is asked only when a range was taken. */
function takeRanges(
  kernels: () => Kernels,
  words: Int32Array<SharedArrayBuffer>,
  numbers: Float64Array,
  index: number,
): void {
  let number = Atomics.add(words, nextOf(index), 1);
  if (number >= CLOSED) return;
  const kernel = sharedKernels[words[KERNEL]];
  const count = words[ARGS];
  const grain = words[GRAIN];
  const threads = words[THREADS];
  const args = Array.from(numbers.subarray(0, count));
  args.push(0, 0, numbers[count] + index * numbers[count + 1]);
  for (let turn = 0; turn < threads; turn++) {
    const part = (index + turn) % threads;
    if (turn > 0) number = Atomics.add(words, nextOf(part), 1);
    const from = partStart(part, words[TOTAL], threads, grain);
    const to = partStart(part + 1, words[TOTAL], threads, grain);
    for (; ; number = Atomics.add(words, nextOf(part), 1)) {
      const begin = rangeStart(number, from, to, grain);
      if (begin === to) break;
      args[count] = begin;
      args[count + 1] = rangeStart(number + 1, from, to, grain);
      call(kernels(), kernel, args);
    }
  }
}

function partStart(part: number, total: number, threads: number, grain: number): number {
  return Math.min(total, Math.ceil((part * total) / threads / grain) * grain);
}

/**
 * Where a range of the part [from, to) begins, by its number: the first is half of the part, as a stretch of memory is read
 * fastest in one go, and each later one half of what is left, so that threads of unequal speed end together.
 */
function rangeStart(number: number, from: number, to: number, grain: number): number {
  const least = (to - from) * LEAST_SHARE;
  let at = from;
  for (let i = 0; i < number && at < to; i++) {
    at = Math.min(to, at + Math.ceil(Math.max((to - at) / 2, least) / grain) * grain);
  }
  return at;
}
/** A kernel that needs no scratch ignores it: exports drop arguments they do not declare. */
function call(kernels: Kernels, kernel: SharedKernel, args: number[]): void {
  (kernels[kernel] as (...args: number[]) => void)(...args);
}
