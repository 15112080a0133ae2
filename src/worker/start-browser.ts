// How a page starts the model's thread, and speaks to any.

import type { AssetUrls } from "../package-files/assets.ts";
import { kernelFiles } from "../wasm/kernels.ts";
import { PageLeftError } from "./client.ts";
import { forbiddenKernels } from "./forbidden-kernels.ts";
import { createModuleWorker } from "./module-worker.ts";
import type { ThreadPort, WorkerPort } from "./protocol.ts";
import { refusedThread, watchPolicy } from "./refused-thread.ts";

export function startBrowserWorker(assets: AssetUrls): WorkerPort {
  const port = startThread("model-thread.js", assets) as WorkerPort & ThreadPort<unknown, unknown>;
  port.post({ kernels: Object.fromEntries(kernelFiles.map((name) => [name, assets[name]])) });
  return port;
}

/** @throws SourceError when the page may not start it; a script that cannot be had fails later */
export function startThread<In, Out>(
  name: "files-thread.js" | "model-thread.js" | "text-thread.js",
  { [name]: url = name }: AssetUrls,
): ThreadPort<In, Out> {
  const policy = watchPolicy();
  let worker: Worker;
  try {
    worker = createModuleWorker(url);
  } catch (cause) {
    throw refusedThread.atOnce(url, cause as Error);
  }
  worker.addEventListener("message", policy.end, { once: true });
  const end = (): void => {
    removeEventListener("pagehide", leave);
    policy.end();
    worker.terminate();
  };
  // WebKit keeps the memory of a page that is reloaded until the next one needs some, and browsers that keep a page for the
  // way back keep its threads.
  let whenLeft = (_: Error): void => {};
  const leave = (): void => {
    end();
    whenLeft(new PageLeftError());
  };
  addEventListener("pagehide", leave);
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    onMessage: (listener) => worker.addEventListener("message", ({ data }) => listener(data)),
    onFailure(listener) {
      whenLeft = listener;
      worker.addEventListener("error", ({ message }) => {
        // Only an error within the script has a message.
        if (message) listener(forbiddenKernels(name, message) ?? new Error(message));
        else refusedThread.later(url, policy).then(listener);
      });
      worker.addEventListener("messageerror", () => listener(new Error("a message could not be read")));
    },
    setBusy() {},
    async terminate() {
      end();
    },
  };
}
