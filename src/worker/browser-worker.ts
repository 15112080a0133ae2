// Entry of the model's thread in a browser.
import type { FreeMemory } from "../load/fit.ts";
import { hasRelaxedSimd, hasSharedMemory } from "../wasm/kernels.ts";
import { fetchKernels } from "./fetch-kernels.ts";
import { serve } from "./serve.ts";

/** A timer would wait four milliseconds; a message of our own comes right after those that have arrived. */
const turns = new MessageChannel();

serve(
  {
    post: (message, transfer = []) => postMessage(message, { transfer }),
    onMessage: (listener) => addEventListener("message", ({ data }) => listener(data)),
  },
  {
    machine: async () => ({
      cores: likelyCores(),
      sharedMemory: hasSharedMemory(),
      relaxed: hasRelaxedSimd(),
      memory: smallMemory(),
    }),
    compileKernels: fetchKernels,
    startHelper: (task) =>
      new Promise((resolve, reject) => {
        // Written out, so that bundlers see it.
        const helper = new Worker(new URL("./browser-helper.js", import.meta.url), { type: "module" });
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
