// The page's side of the oracle's thread: one for each comparison, ended when another begins.
import { revivedError } from "../../lfm2-error.ts";
import { createModuleWorker } from "../../worker/module-worker.ts";
import type { Doing, FromOracle, Request, Results } from "./protocol.ts";
import threadUrl from "./thread.ts?worker&url";

export interface Oracle {
  ask<K extends Request["kind"]>(
    request: Request & { readonly kind: K },
    options?: { readonly transfer?: readonly ArrayBuffer[]; readonly onDoing?: (doing: Doing) => void },
  ): Promise<Results[K]>;
  /** What is asked is then never answered. */
  end(): void;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
  readonly onDoing: ((doing: Doing) => void) | undefined;
}

export function startOracle(): Oracle {
  const worker = createModuleWorker(new URL(threadUrl, document.baseURI).href);
  const waiting = new Map<number, Waiting>();
  let count = 0;
  worker.addEventListener("message", ({ data }: MessageEvent<FromOracle>) => {
    const one = waiting.get(data.id);
    if (one === undefined) return;
    if ("doing" in data) {
      one.onDoing?.(data.doing);
      return;
    }
    waiting.delete(data.id);
    if ("error" in data) one.reject(revivedError(data.error));
    else one.resolve(data.result as never);
  });
  worker.addEventListener("error", ({ message }) => {
    const error = new Error(
      `The oracle's thread died: ${message || "its script could not be loaded"}. Reload the page.`,
    );
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  return {
    ask(request, { transfer = [], onDoing } = {}) {
      const id = ++count;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject, onDoing });
        worker.postMessage({ id, request }, [...transfer]);
      });
    },
    end() {
      worker.terminate();
      waiting.clear();
    },
  };
}
