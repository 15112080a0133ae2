// The most that threads have read in a second, of several passes and of one stream to a thread or several.
import { STREAMS } from "./stream-module.ts";
import type { Passes, PassTimes } from "./stream-passes.ts";

/** The first pass or two still run code that is not optimized; the fastest counts. */
const PASSES = 5;

/**
 * @param bytes  that each thread holds
 * @param run    has every thread carry out an order
 * @returns bytes per second
 */
export async function fastestPass(
  threads: number,
  bytes: number,
  run: (order: Passes) => Promise<readonly PassTimes[]>,
): Promise<number> {
  let best = 0;
  for (const streams of STREAMS) {
    const times = await run({ streams, threads, passes: PASSES });
    for (let pass = 0; pass < PASSES; pass++) {
      const begin = Math.min(...times.map((own) => own[pass][0]));
      const end = Math.max(...times.map((own) => own[pass][1]));
      best = Math.max(best, (threads * bytes) / ((end - begin) / 1000));
    }
  }
  return best;
}
