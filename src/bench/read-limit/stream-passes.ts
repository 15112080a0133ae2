// A thread's part in measuring how fast memory can be read: it holds some, and reads it in passes beside other threads.
import { assembleStreams, type STREAMS, type StreamExports } from "./stream-module.ts";

/** Read everything, `passes` times, together with the other threads. */
export interface Passes {
  readonly streams: (typeof STREAMS)[number];
  readonly threads: number;
  readonly passes: number;
}

/** When a thread began and ended each pass, in milliseconds of a clock that all threads share. */
export type PassTimes = readonly (readonly [begin: number, end: number])[];

/** Read by one call. An engine optimizes a function between two calls, never within one. */
const PIECE = 2 ** 20;

/**
 * @param bytes    to hold, a multiple of a MiB
 * @param arrived  a word that all threads share, of those that have arrived at the pass to come; a thread alone needs none
 */
export function createStreamer(
  bytes: number,
  arrived: Int32Array | undefined,
  now: () => number,
): (order: Passes) => PassTimes {
  const memory = new WebAssembly.Memory({ initial: bytes / 65536 });
  const module = new WebAssembly.Module(assembleStreams());
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  // Pages that were never written share one page of zeros, which is always in the cache.
  new Uint8Array(memory.buffer).fill(1);
  return ({ streams, threads, passes }) => {
    const read = (exports as unknown as StreamExports)[`read${streams}`];
    const times: [number, number][] = [];
    for (let pass = 1; pass <= passes; pass++) {
      if (arrived !== undefined) {
        Atomics.add(arrived, 0, 1);
        while (Atomics.load(arrived, 0) < pass * threads);
      }
      const begin = now();
      for (let at = 0; at < bytes; at += PIECE) read(at, PIECE);
      times.push([begin, now()]);
    }
    return times;
  };
}
