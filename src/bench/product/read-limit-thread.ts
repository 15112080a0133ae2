// Entry of a thread that only reads memory; see read-limit.ts.
import { parentPort, workerData } from "node:worker_threads";
import type { Passes, PassTimes, StreamerTask } from "./read-limit.ts";
import { assembleStreams, type StreamExports } from "./stream-module.ts";

/** Read by one call. An engine optimizes a function between two calls, never within one. */
const PIECE = 2 ** 20;

const { bytes, arrived } = workerData as StreamerTask;
const memory = new WebAssembly.Memory({ initial: bytes / 65536 });
const module = new WebAssembly.Module(assembleStreams());
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
// Pages that were never written share one page of zeros, which is always in the cache.
new Uint8Array(memory.buffer).fill(1);

parentPort?.on("message", ({ streams, threads, passes }: Passes) => {
  const read = (exports as unknown as StreamExports)[`read${streams}`];
  const words = new Int32Array(arrived);
  const times: [bigint, bigint][] = [];
  for (let pass = 1; pass <= passes; pass++) {
    Atomics.add(words, 0, 1);
    while (Atomics.load(words, 0) < pass * threads);
    const begin = process.hrtime.bigint();
    for (let at = 0; at < bytes; at += PIECE) read(at, PIECE);
    times.push([begin, process.hrtime.bigint()]);
  }
  parentPort?.postMessage(times satisfies PassTimes);
});
parentPort?.postMessage("ready");
