// How a caller in Node starts the model's thread.
import { Worker } from "node:worker_threads";
import type { WorkerPort } from "./protocol.ts";

export function startNodeWorker(): WorkerPort {
  // The compiled package has .js where the sources have .ts.
  const entry = import.meta.url.endsWith(".ts") ? "./node-worker.ts" : "./node-worker.js";
  // A worker refuses --input-type, which a caller started with --eval passes on.
  const execArgv = process.execArgv.filter((flag) => !flag.startsWith("--input-type"));
  const worker = new Worker(new URL(entry, import.meta.url), { execArgv });
  let closing = false;
  worker.unref();
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    onMessage: (listener) => worker.on("message", listener),
    onFailure(listener) {
      worker.on("error", listener);
      worker.on("messageerror", listener);
      worker.on("exit", (code) => {
        if (!closing) listener(new Error(`it exited with code ${code}`));
      });
    },
    setBusy: (busy) => (busy ? worker.ref() : worker.unref()),
    async terminate() {
      closing = true;
      await worker.terminate();
    },
  };
}
