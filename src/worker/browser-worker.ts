// Entry of the model's thread in a browser.
import { baselineUrl } from "../wasm/kernels.ts";
import { serve } from "./serve.ts";

/** A timer would wait four milliseconds; a message of our own comes right after those that have arrived. */
const turns = new MessageChannel();

serve(
  {
    post: (message, transfer = []) => postMessage(message, { transfer }),
    onMessage: (listener) => addEventListener("message", ({ data }) => listener(data)),
  },
  {
    async compileKernels() {
      const response = await fetch(baselineUrl);
      if (!response.ok) {
        throw new TypeError(
          `${baselineUrl.pathname}: expected the compiled kernels, found HTTP status ${response.status}. ` +
            "Serve the package's dist/wasm folder beside its scripts.",
        );
      }
      // Not compileStreaming: it insists on a MIME type that many static servers do not send.
      return WebAssembly.compile(await response.arrayBuffer());
    },
    nextTurn: () =>
      new Promise((resolve) => {
        turns.port1.onmessage = () => resolve();
        turns.port2.postMessage(null);
      }),
  },
);
