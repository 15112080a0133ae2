// Entry of the model's thread in Node.
import { parentPort } from "node:worker_threads";
import { nodePlatform } from "./node-platform.ts";
import { serve } from "./serve.ts";

const port = parentPort;
if (port === null) throw new TypeError("node-worker: expected to run as a worker thread; it is started by `open`.");

serve(
  {
    post: (message, transfer) => port.postMessage(message, transfer),
    onMessage: (listener) => port.on("message", listener),
  },
  nodePlatform,
);
