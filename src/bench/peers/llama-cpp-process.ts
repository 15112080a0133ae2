// Entry of a process that runs llama.cpp's native build through node-llama-cpp; see native-peers.ts.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { answerParent } from "../product/child.ts";
import { peakBytes } from "../product/peak-memory.ts";
import type { Order, PeerOptions, Speeds } from "./peer.ts";

export type ToLlamaCpp =
  | { readonly kind: "open"; readonly folder: string; readonly path: string; readonly options: PeerOptions }
  | ({ readonly kind: "round" } & Order);

/** What is used of a sequence of node-llama-cpp 3.22.1. */
interface LlamaSequence {
  clearHistory(): Promise<void>;
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
}

let sequence: LlamaSequence | undefined;

answerParent<ToLlamaCpp>(async (message): Promise<Speeds | undefined> => {
  if (message.kind === "open") {
    const { folder, path, options } = message;
    const entry = join(folder, "node_modules/node-llama-cpp/dist/index.js");
    const { getLlama } = await import(pathToFileURL(entry).href);
    const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
    const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 });
    const { threads, contextLength, batch } = options;
    const context = await model.createContext({ contextSize: contextLength, batchSize: batch, threads, sequences: 1 });
    sequence = context.getSequence() as LlamaSequence;
    return undefined;
  }
  if (sequence === undefined) throw new TypeError("a model has to be opened before it is measured");
  const { ids, newTokens } = message;
  await sequence.clearHistory();
  const begin = performance.now();
  let count = 0;
  let first = 0;
  let last = 0;
  for await (const _ of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    last = performance.now();
    first ||= last;
    if (++count > newTokens) break;
  }
  const rate = (tokens: number, ms: number): number => (tokens / ms) * 1000;
  return { prefill: rate(ids.length, first - begin), decode: rate(count - 1, last - first), peakBytes: peakBytes() };
});
