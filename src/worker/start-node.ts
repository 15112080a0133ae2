// How a caller in Node starts a thread: the model's, and others like it.
import { type ResourceLimits, Worker } from "node:worker_threads";
import type { ThreadPort, WorkerPort } from "./protocol.ts";

export function startNodeWorker(): WorkerPort {
  // The compiled package has .js where the sources have .ts.
  const entry = import.meta.url.endsWith(".ts") ? "./node-worker.ts" : "./node-worker.js";
  return startThread(new URL(entry, import.meta.url));
}

export function startThread<In, Out>(entry: URL, resourceLimits?: ResourceLimits): ThreadPort<In, Out> {
  const worker = new Worker(entry, { ...inherited(), resourceLimits });
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

/**
 * A worker inherits its process's flags, but refuses --input-type, which comes with --eval; and where flags are stated,
 * it refuses those that concern a whole process. So they are stated only then, and only those that load modules.
 */
function inherited(): { execArgv?: string[] } {
  const flags = process.execArgv;
  if (!flags.some((flag) => flag.startsWith("--input-type"))) return {};
  const loads = /^(--import|--require|-r|--loader|--experimental-loader)(=|$)/;
  const execArgv = flags.filter(
    (flag, i) => loads.test(flag) || (loads.test(flags[i - 1] ?? "") && !flags[i - 1].includes("=")),
  );
  return { execArgv };
}
