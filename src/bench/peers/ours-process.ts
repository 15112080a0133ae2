// Entry of a process that runs this package as its users do; see native-peers.ts.
import { type LanguageModel, open, type Summary } from "../../index.ts";
import { answerParent } from "../product/child.ts";
import { peakBytes } from "../product/peak-memory.ts";
import { type Order, type PeerOptions, type Speeds, shortPrompts } from "./peer.ts";
import { sideBySide } from "./side-by-side.ts";

export type ToOurs =
  | { readonly kind: "open"; readonly path: string; readonly options: PeerOptions }
  | ({ readonly kind: "round" } & Order);

let model: LanguageModel | undefined;

answerParent<ToOurs>(async (message): Promise<Speeds | undefined> => {
  if (message.kind === "open") {
    const { threads, contextLength, sequences, mode, kernels } = message.options;
    model = await open(message.path, { threads, contextLength, parallel: sequences, mode, kernels });
    return undefined;
  }
  if (model === undefined) throw new TypeError("a model has to be opened before it is measured");
  const { ids, newTokens } = message;
  let summary: Summary | undefined;
  const onFinish = (found: Summary): void => {
    summary = found;
  };
  for await (const _ of model.generate(ids, { maxTokens: newTokens + 1, stopIds: [], speculate: false, onFinish }));
  // By the model's own clock: several tokens may arrive here at once.
  const { prefillMs, decodeMs } = summary as Summary;
  const rate = (tokens: number, ms: number): number => (tokens / ms) * 1000;
  const alone = { prefill: rate(ids.length, prefillMs), decode: rate(newTokens, decodeMs) };
  if (message.sequences === 1) return { ...alone, peakBytes: peakBytes() };
  const times = await Promise.all(shortPrompts(message).map((prompt) => timesOf(prompt, newTokens)));
  return { ...alone, together: sideBySide(times), peakBytes: peakBytes() };
});

/** When each new token came. */
async function timesOf(prompt: readonly number[], newTokens: number): Promise<number[]> {
  const times: number[] = [];
  const ids = (model as LanguageModel).generate(prompt, { maxTokens: newTokens, stopIds: [] });
  for await (const _ of ids) times.push(performance.now());
  return times;
}
