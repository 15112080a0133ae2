// Entry of a helper thread in Node.
import { parentPort } from "node:worker_threads";
import { runHelper } from "./helper.ts";

parentPort?.once("message", (task) => runHelper(task, () => parentPort?.postMessage("ready")));
