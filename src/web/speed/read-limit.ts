// The most that so many threads of a page can read of this machine's memory, as `lfm2 bench` measures it in Node.
import { fastestPass } from "../../bench/read-limit/fastest-pass.ts";
import type { Passes, PassTimes } from "../../bench/read-limit/stream-passes.ts";
import { createModuleWorker } from "../../worker/module-worker.ts";
import type { StreamerTask } from "./read-limit-thread.ts";
import threadUrl from "./read-limit-thread.ts?worker&url";

export interface PageReadLimit {
  /** Bytes per second. */
  measure(): Promise<number>;
  end(): void;
}

/** Together half a gigabyte at most, unless threads are many: phones have little, and caches hold less. */
const bytesFor = (threads: number): number => 2 ** 20 * Math.max(32, Math.min(128, Math.floor(512 / threads)));

/** @param threads  more than one where memory can be shared */
export async function createReadLimit(threads: number, signal: AbortSignal): Promise<PageReadLimit> {
  const bytes = bytesFor(threads);
  const arrived = threads === 1 ? undefined : new SharedArrayBuffer(4);
  const workers = Array.from({ length: threads }, () => createModuleWorker(new URL(threadUrl, document.baseURI).href));
  const end = (): void => {
    for (const worker of workers) worker.terminate();
  };
  const ask = (worker: Worker, message: StreamerTask | Passes): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message: text }) => reject(new Error(`A thread that reads memory: ${text || "not started"}`));
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      worker.postMessage(message);
    });
  try {
    await Promise.all(workers.map((worker) => ask(worker, { bytes, arrived })));
  } catch (error) {
    end();
    throw error;
  }
  return {
    measure: () =>
      fastestPass(threads, bytes, (order) => {
        if (arrived !== undefined) Atomics.store(new Int32Array(arrived), 0, 0);
        return Promise.all(workers.map((worker) => ask(worker, order) as Promise<PassTimes>));
      }),
    end,
  };
}
