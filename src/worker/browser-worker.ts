// Entry of the model's thread in a browser.
import { browserMachine } from "./browser-machine.ts";
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
    machine: async () => browserMachine(),
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
