// How a page starts the model's thread, and speaks to any.
import type { ThreadPort, WorkerPort } from "./protocol.ts";

export function startBrowserWorker(): WorkerPort {
  // Written out, so that bundlers see it.
  return portOf(new Worker(new URL("./browser-worker.js", import.meta.url), { type: "module" }));
}

export function portOf<In, Out>(worker: Worker): ThreadPort<In, Out> {
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    onMessage: (listener) => worker.addEventListener("message", ({ data }) => listener(data)),
    onFailure(listener) {
      worker.addEventListener("error", (event) => {
        const what = event.message || "its script could not be loaded; serve the package's dist folder as it is";
        listener(new Error(what));
      });
      worker.addEventListener("messageerror", () => listener(new Error("a message could not be read")));
    },
    setBusy() {},
    async terminate() {
      worker.terminate();
    },
  };
}
