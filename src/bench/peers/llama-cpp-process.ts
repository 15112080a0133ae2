// Entry of a process that runs llama.cpp's native build through node-llama-cpp; see native-peers.ts.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { answerParent } from "../product/child.ts";
import { peakBytes } from "../product/peak-memory.ts";
import { type Order, type PeerOptions, type Speeds, shortPrompts } from "./peer.ts";
import { sideBySide } from "./side-by-side.ts";

export type ToLlamaCpp =
  | { readonly kind: "open"; readonly folder: string; readonly path: string; readonly options: PeerOptions }
  | ({ readonly kind: "round" } & Order);

/** What is used of a sequence of node-llama-cpp 3.22.1. */
interface LlamaSequence {
  clearHistory(): Promise<void>;
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
}

let opened: LlamaSequence[] = [];

answerParent<ToLlamaCpp>(async (message): Promise<Speeds | undefined> => {
  if (message.kind === "open") {
    const { folder, path, options } = message;
    const entry = join(folder, "node_modules/node-llama-cpp/dist/index.js");
    const { getLlama } = await import(pathToFileURL(entry).href);
    const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
    const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 });
    const { threads, contextLength, batch, sequences } = options;
    const context = await model.createContext({ contextSize: contextLength, batchSize: batch, threads, sequences });
    opened = Array.from({ length: sequences }, () => context.getSequence() as LlamaSequence);
    return undefined;
  }
  if (opened.length === 0) throw new TypeError("a model has to be opened before it is measured");
  const { ids, newTokens, sequences } = message;
  const begin = performance.now();
  const times = await timesOf(opened[0], ids, newTokens + 1);
  const [first, last] = [times[0], times[times.length - 1]];
  const rate = (tokens: number, ms: number): number => (tokens / ms) * 1000;
  const alone = { prefill: rate(ids.length, first - begin), decode: rate(times.length - 1, last - first) };
  if (sequences === 1) return { ...alone, peakBytes: peakBytes() };
  const each = await Promise.all(shortPrompts(message).map((prompt, i) => timesOf(opened[i], prompt, newTokens)));
  return { ...alone, together: sideBySide(each), peakBytes: peakBytes() };
});

/** When each new token came. */
async function timesOf(sequence: LlamaSequence, prompt: readonly number[], newTokens: number): Promise<number[]> {
  await sequence.clearHistory();
  const times: number[] = [];
  for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    times.push(performance.now());
    if (times.length === newTokens) break;
  }
  return times;
}
