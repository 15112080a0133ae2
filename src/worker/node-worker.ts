// Entry of the model's thread in Node.
import { readFile } from "node:fs/promises";
import { parentPort } from "node:worker_threads";
import { openFile } from "../sources/disk.ts";
import { baselineUrl } from "../wasm/kernels.ts";
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
    compileKernels: async () => WebAssembly.compile(await readFile(baselineUrl)),
    nextTurn: () => new Promise((resolve) => setImmediate(resolve)),
  },
);
