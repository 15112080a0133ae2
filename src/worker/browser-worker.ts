// Entry of the model's thread in a browser, and of the threads that help it: one script, which knows its own address.
import type { FreeMemory } from "../load/fit.ts";
import { hasRelaxedSimd, kernelFile } from "../wasm/kernels.ts";
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
      machine: async () => ({
        cores: likelyCores(),
        sharedMemory: globalThis.crossOriginIsolated === true,
        relaxed: hasRelaxedSimd(),
        memory: smallMemory(),
      }),
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

/** Chromium tells the machine's memory in steps up to 8 GiB; that one stands for all that have more. */
function smallMemory(): FreeMemory | undefined {
  const { deviceMemory: gibibytes } = navigator as { deviceMemory?: number };
  if (gibibytes === undefined || gibibytes >= 8) return undefined;
  return { bytes: gibibytes * 2 ** 30, what: "memory of this device" };
}

/** Browsers count threads, not cores; a machine with more than four threads most likely has two to a core. */
function likelyCores(): number {
  const threads = navigator.hardwareConcurrency || 1;
  return threads > 4 ? threads >> 1 : threads;
}
