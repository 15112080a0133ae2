// The most that so many threads can read of this machine's memory, measured beside the kernels and in the same way:
// WebAssembly memory, sixteen bytes at a time.
import { Worker } from "node:worker_threads";
import { fastestPass } from "./fastest-pass.ts";
import type { Passes, PassTimes } from "./stream-passes.ts";

/** What a thread is given once: how much to hold, and the words that all threads share. */
export interface StreamerTask {
  readonly bytes: number;
  /** Threads that have arrived at the pass to come. */
  readonly arrived: SharedArrayBuffer;
}

export interface ReadLimit {
  /** The fastest of several passes: bytes per second. */
  measure(threads: number): Promise<number>;
  close(): Promise<void>;
}

/** Together a gigabyte at most, unless threads are many; far more than caches hold. */
export function bytesPerThread(threads: number): number {
  return 2 ** 20 * Math.max(64, Math.min(256, Math.floor(1024 / threads)));
}

export async function createReadLimit(mostThreads: number, bytes = bytesPerThread(mostThreads)): Promise<ReadLimit> {
  const arrived = new SharedArrayBuffer(4);
  const task: StreamerTask = { bytes, arrived };
  // The compiled package has .js where the sources have .ts.
  const entry = import.meta.url.endsWith(".ts") ? "./read-limit-thread.ts" : "./read-limit-thread.js";
  const workers = Array.from({ length: mostThreads }, () => {
    const worker = new Worker(new URL(entry, import.meta.url), { workerData: task });
    worker.unref();
    return worker;
  });
  await Promise.all(workers.map((worker) => answerOf(worker)));

  const run = async (order: Passes): Promise<PassTimes[]> => {
    Atomics.store(new Int32Array(arrived), 0, 0);
    return Promise.all(
      workers.slice(0, order.threads).map((worker) => {
        const answer = answerOf(worker) as Promise<PassTimes>;
        worker.postMessage(order);
        return answer;
      }),
    );
  };
  return {
    measure: (threads) => fastestPass(threads, bytes, run),
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** The next message, or the worker's death as an error. */
function answerOf(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off("message", succeed).off("error", fail);
      worker.unref();
    };
    const succeed = (message: unknown): void => {
      settle();
      resolve(message);
    };
    const fail = (cause: unknown): void => {
      settle();
      reject(cause);
    };
    worker.ref();
    worker.on("message", succeed).on("error", fail);
  });
}
