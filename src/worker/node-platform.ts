// The platform under Node, for the model's thread and for whoever runs a model on a thread of their own.
import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { openFile } from "../sources/disk.ts";
import { kernelUrl } from "../wasm/kernel-url.ts";
import { nodeMachine } from "./node-machine.ts";
import type { Platform } from "./platform.ts";

export const nodePlatform: Platform = {
  openFile,
  machine: nodeMachine,
  compileKernels: async (build) => WebAssembly.compile(await readFile(kernelUrl(build))),
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
};
