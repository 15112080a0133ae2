// Entry of the model's thread in a browser, and of the threads that help it: one script, which knows its own address.
import { kernelFile } from "../wasm/kernels.ts";
import { browserMachine } from "./browser-machine.ts";
import { fetchKernels, type KernelUrls } from "./fetch-kernels.ts";
import { type HelperTask, runHelper } from "./helper.ts";
import { createModuleWorker } from "./module-worker.ts";
import { serve } from "./serve.ts";

addEventListener(
  "message",
  ({ data }: MessageEvent<{ readonly kernels: KernelUrls } | HelperTask>) => {
    if ("kernels" in data) serveModel(data.kernels);
    else runHelper(data, () => postMessage("ready"));
  },
  { once: true },
);

/** A timer would wait four milliseconds; a message of our own comes right after those that have arrived. */
const turns = new MessageChannel();

function serveModel(kernels: KernelUrls): void {
  serve(
    {
      post: (message, transfer = []) => postMessage(message, { transfer }),
      onMessage: (listener) => addEventListener("message", ({ data }) => listener(data)),
    },
    {
      machine: async () => browserMachine(),
      compileKernels: (build) => fetchKernels(kernels, kernelFile(build)),
      startHelper: (task) =>
        new Promise((resolve, reject) => {
          const helper = createModuleWorker(location.href);
          helper.onmessage = () => resolve();
          helper.onerror = ({ message }) => reject(new Error(message || "a helper thread could not be started"));
          helper.postMessage(task);
        }),
      nextTurn: () =>
        new Promise((resolve) => {
          turns.port1.onmessage = () => resolve();
          turns.port2.postMessage(null);
        }),
    },
  );
}
