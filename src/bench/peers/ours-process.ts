// Entry of a process that runs this package as its users do; see native-peers.ts.
import { type LanguageModel, open, type Summary } from "../../index.ts";
import { answerParent } from "../product/child.ts";
import { peakBytes } from "../product/peak-memory.ts";
import type { Order, PeerOptions, Speeds } from "./peer.ts";

export type ToOurs =
  | { readonly kind: "open"; readonly path: string; readonly options: PeerOptions }
  | ({ readonly kind: "round" } & Order);

let model: LanguageModel | undefined;

answerParent<ToOurs>(async (message): Promise<Speeds | undefined> => {
  if (message.kind === "open") {
    const { threads, contextLength, mode, kernels } = message.options;
    model = await open(message.path, { threads, contextLength, mode, kernels });
    return undefined;
  }
  if (model === undefined) throw new TypeError("a model has to be opened before it is measured");
  const { ids, newTokens } = message;
  let summary: Summary | undefined;
  const onFinish = (found: Summary): void => {
    summary = found;
  };
  for await (const _ of model.generate(ids, { maxTokens: newTokens + 1, stopIds: [], onFinish }));
  // By the model's own clock: several tokens may arrive here at once.
  const { prefillMs, decodeMs } = summary as Summary;
  const rate = (tokens: number, ms: number): number => (tokens / ms) * 1000;
  return { prefill: rate(ids.length, prefillMs), decode: rate(newTokens, decodeMs), peakBytes: peakBytes() };
});
