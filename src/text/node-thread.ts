// Entry of the text thread in Node.
import { parentPort } from "node:worker_threads";
import { serveText } from "./serve.ts";

const port = parentPort;
if (port === null) throw new TypeError("node-thread: expected to run as a worker thread; it is started by `open`.");

serveText({
  post: (message, transfer) => port.postMessage(message, transfer),
  onMessage: (listener) => port.on("message", listener),
});
