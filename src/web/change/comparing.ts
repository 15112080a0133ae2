// A true run and an edited one: the same ids first, and then what each writes by itself.
import type { Config } from "../../model/config.ts";
import { planTrace } from "../../oracle/trace/trace-plan.ts";
import { divergence, highest } from "../inside/numbers.ts";
import { idsOfPlace, withAnswer } from "../inside/running.ts";
import { exactSlot, type OpenModel } from "../model/models.ts";

export interface Parted {
  /** The point, in the order of the graph, and the first token there. */
  readonly point: string;
  readonly token: number;
  readonly largest: number;
}

export interface Compared {
  readonly edits: readonly string[];
  readonly ids: readonly number[];
  readonly texts: readonly string[];
  readonly answerFrom: number;
  /** KL divergence from the true run after each token, in nats. */
  readonly divergences: readonly number[];
  /** The tokens after which another is the likeliest. */
  readonly others: readonly number[];
  readonly first: Parted | undefined;
  readonly trueText: string;
  readonly editedText: string;
}

/** Points of all numbers would be many; these are where layers begin, choose and end. */
const COMPARED =
  /^model\.(embed_tokens|embedding_norm|layers\.\d+)$|\.(operator_norm|ffn_norm|conv|q_rope|k_rope|self_attn|feed_forward)$|\.gate\.(scores|weights)$/;
const MOST_BYTES = 300e6;

/** @throws EditError naming the edit at fault; what the model throws; the signal's reason */
export async function compare(
  edits: readonly string[],
  signal: AbortSignal,
  tell: (what: string) => void,
): Promise<Compared> {
  tell("Opening the model in exact float32…");
  const opened = await exactSlot.get();
  signal.throwIfAborted();
  const { model, tokenizer } = opened;
  const { ids: prompt, answerFrom, isWhole } = await idsOfPlace(opened, signal);
  planTrace(model.config, prompt.length, { edits }); // refuses what is no edit before anything is run
  tell("Writing the true answer…");
  const ids = isWhole ? prompt : await withAnswer(opened, prompt, [], signal);
  tell("Running both over the same text…");
  const [plain, changed] = [await model.logits(ids, { signal }), await model.logits(ids, { edits, signal })];
  const rows = ids.map((_, t) => [plain, changed].map(({ data, cols }) => data.subarray(t * cols, (t + 1) * cols)));
  const first = await firstParted(opened, ids, edits, signal);
  tell("Writing the edited answer…");
  const own = await withAnswer(opened, ids.slice(0, answerFrom), edits, signal);
  return {
    edits,
    ids,
    texts: ids.map((id) => tokenizer.textOf(id)),
    answerFrom,
    divergences: rows.map(([truth, other]) => divergence(truth, other)),
    others: rows.flatMap(([truth, other], t) => (highest(truth) === highest(other) ? [] : [t])),
    first,
    trueText: tokenizer.decode(ids.slice(answerFrom)),
    editedText: tokenizer.decode(own.slice(answerFrom)),
  };
}

async function firstParted(
  { model }: OpenModel,
  ids: readonly number[],
  edits: readonly string[],
  signal: AbortSignal,
): Promise<Parted | undefined> {
  const names = namesIn(model.config, ids.length);
  const plan = planTrace(model.config, ids.length, { points: names });
  if (plan.bytes > MOST_BYTES) return undefined;
  const record = async (changes: readonly string[]): Promise<Map<string, number[]>> => {
    const found = new Map<string, number[]>();
    for await (const { name, data } of model.trace(ids, { points: names, edits: changes, signal })) {
      const numbers = found.get(name) ?? [];
      for (const value of data) numbers.push(value);
      found.set(name, numbers);
    }
    return found;
  };
  const [truth, other] = [await record([]), await record(edits)];
  for (const { name } of plan.points) {
    const [a, b] = [truth.get(name) ?? [], other.get(name) ?? []];
    // Of another k, weights are more or fewer.
    if (a.length !== b.length) return { point: name, token: 0, largest: Number.POSITIVE_INFINITY };
    const at = a.findIndex((value, i) => value !== b[i]);
    if (at < 0) continue;
    const largest = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
    return { point: name, token: Math.floor((at * ids.length) / a.length), largest };
  }
  return undefined;
}

function namesIn(config: Config, count: number): string[] {
  return planTrace(config, count)
    .points.map(({ name }) => name)
    .filter((name) => COMPARED.test(name));
}
