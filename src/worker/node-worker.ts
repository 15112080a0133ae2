// Entry of the model's thread in Node.
import { readFile } from "node:fs/promises";
import { parentPort, Worker } from "node:worker_threads";
import { openFile } from "../sources/disk.ts";
import { nodeMachine } from "./node-machine.ts";
import { serve } from "./serve.ts";

const port = parentPort;
if (port === null) throw new TypeError("node-worker: expected to run as a worker thread; it is started by `open`.");

serve(
  {
    post: (message, transfer) => port.postMessage(message, transfer),
    onMessage: (listener) => port.on("message", listener),
  },
  {
    openFile,
    machine: nodeMachine,
    compileKernels: async (url) => WebAssembly.compile(await readFile(url)),
    startHelper: (task) =>
      new Promise((resolve, reject) => {
        // The compiled package has .js where the sources have .ts.
        const entry = import.meta.url.endsWith(".ts") ? "./node-helper.ts" : "./node-helper.js";
        const helper = new Worker(new URL(entry, import.meta.url));
        helper.once("message", () => resolve());
        helper.once("error", reject);
        helper.postMessage(task);
        helper.unref();
      }),
    nextTurn: () => new Promise((resolve) => setImmediate(resolve)),
  },
);
