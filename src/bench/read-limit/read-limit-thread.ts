// Entry of a thread that only reads memory; see read-limit.ts.
import { parentPort, workerData } from "node:worker_threads";
import type { StreamerTask } from "./read-limit.ts";
import { createStreamer, type Passes, type PassTimes } from "./stream-passes.ts";

const { bytes, arrived } = workerData as StreamerTask;
// The machine's clock, which all threads share.
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const run = createStreamer(bytes, new Int32Array(arrived), now);

parentPort?.on("message", (order: Passes) => parentPort?.postMessage(run(order) satisfies PassTimes));
parentPort?.postMessage("ready");
