// An answer from its first token to its last, with the tools' results in between; each token with its alternatives.
import { signal } from "@preact/signals";
import type { GenerateOptions, Progress, Summary } from "../../api/language-model.ts";
import { createAnswerCollector } from "../../chat/answer.ts";
import { type ChatDelta, createAnswerParser } from "../../chat/answer-parser.ts";
import type { ChatMessage } from "../../chat/messages.ts";
import { endsThinking } from "../../chat/thinking.ts";
import type { TokenReport } from "../../chat/token-report.ts";
import { freshSeed } from "../../sampling/random.ts";
import { chatSlot, modelTitle, type OpenModel } from "../model/models.ts";
import { type Conversation, change, conversation, currentId, type StoredToken, type Turn } from "./conversations.ts";
import { integerIn, settings } from "./settings.ts";
import { runTool, tools } from "./tools.ts";

/** Of the answer that is being written. */
export const busy = signal<{ readonly id: string; readonly prefill?: Progress } | undefined>(undefined);
export const problem = signal("");

/** Shown for each token. */
const ALTERNATIVES = 8;
/** A model that calls tools over and over would never stop. */
const MOST_ROUNDS = 8;

let controller: AbortController | undefined;

export function stop(): void {
  controller?.abort(new DOMException("Stopped by the reader.", "AbortError"));
}

/** The turns of a conversation as the model reads them. */
export function messagesOf({ system, turns }: Pick<Conversation, "system" | "turns">): ChatMessage[] {
  const said = turns.map(({ role, content, reasoning, calls, callId, name }): ChatMessage => {
    if (role === "tool") return { role, content, name, tool_call_id: callId };
    const called = calls?.map(({ index: _, problems: __, ...call }) => call);
    return {
      role,
      content,
      ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
      ...(called === undefined || called.length === 0 ? {} : { tool_calls: called }),
    };
  });
  return system.trim() === "" ? said : [{ role: "system", content: system }, ...said];
}

/**
 * Answers what the conversation ends with.
 * @param begun  tokens that the answer begins with: those before the one that the reader has exchanged, and that one
 */
export async function answer(id: string = currentId.value, begun: readonly StoredToken[] = []): Promise<void> {
  stop();
  const own = new AbortController();
  controller = own;
  problem.value = "";
  busy.value = { id };
  try {
    const opened = await untilStopped(chatSlot.get(), own.signal);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const turn = await oneAnswer(opened, id, round === 0 ? begun : [], own.signal);
      const calls = turn?.calls ?? [];
      if (calls.length === 0 || turn?.summary?.finishReason === "length") return;
      const results = calls.map((call): Turn => {
        const { name, arguments: json } = call.function;
        return { role: "tool", name, callId: call.id, content: runTool(name, json) };
      });
      change(id, { turns: [...(conversation(id)?.turns ?? []), ...results] });
    }
  } catch (error) {
    // Why a model is not open is said where it is opened.
    if (!own.signal.aborted && chatSlot.opening.peek().is === "open") problem.value = (error as Error).message;
  } finally {
    if (controller === own) {
      controller = undefined;
      busy.value = undefined;
    }
  }
}

/** Opening a model goes on for whoever asks next. */
function untilStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

async function oneAnswer(
  opened: OpenModel,
  id: string,
  begun: readonly StoredToken[],
  signal: AbortSignal,
): Promise<Turn | undefined> {
  const { model } = opened;
  const asked = conversation(id);
  if (asked === undefined) return undefined;
  const { tools: withTools, sampling, seed: statedSeed, maxTokens, thinkingTokens } = settings.value;
  const given = withTools ? { tools } : {};
  const messages = messagesOf(asked);
  const promptIds = await model.encodeChat(messages, { ...given, signal });
  const collector = createAnswerCollector();
  const tokens: StoredToken[] = [...begun];
  const seed = integerIn(statedSeed, 0) ?? Number(freshSeed());
  const used = { ...model.recommended.sampling, ...sampling, seed };
  let summary: Summary | undefined;

  const turn = (more: Partial<Turn> = {}): Turn => {
    const { content, reasoning_content: reasoning } = collector.message();
    return {
      ...{ role: "assistant", content, promptIds, sampling: used, model: modelTitle.value },
      tokens: [...tokens],
      ...(reasoning === undefined ? {} : { reasoning }),
      ...(collector.toolCalls.length === 0 ? {} : { calls: [...collector.toolCalls] }),
      ...more,
    };
  };
  const show = (more: Partial<Turn> = {}, keep = false): Turn => {
    const shown = turn(more);
    change(id, { turns: [...asked.turns, shown] }, keep);
    return shown;
  };
  const options = {
    ...used,
    maxTokens: integerIn(maxTokens, 1),
    topLogprobs: ALTERNATIVES,
    signal,
    onProgress: (prefill: Progress) => {
      busy.value = { id, prefill };
    },
    onToken: ({ id, text = "", logprob = 0, top = [] }: TokenReport) => {
      const listed = top.map((one) => ({ id: one.id, text: one.text ?? "", logprob: one.logprob ?? 0 }));
      tokens.push({ id, text, logprob, top: listed });
    },
    onFinish: (figures: Summary) => {
      summary = figures;
    },
  };
  const thinkingBudget = integerIn(thinkingTokens, 0);
  const deltas =
    begun.length === 0
      ? model.chat(messages, { ...options, ...given, thinkingBudget })
      : goOn(opened, { promptIds, begun, messages, options, given });
  try {
    let shownAt = 0;
    for await (const delta of deltas) {
      collector.push(delta);
      // Each change draws the page; a display has 60 pictures a second.
      if (performance.now() - shownAt < 30) continue;
      shownAt = performance.now();
      show();
    }
  } catch (error) {
    if (signal.aborted) show({ isStopped: true }, true);
    throw error;
  }
  return show({ summary }, true);
}

interface Begun {
  readonly promptIds: readonly number[];
  readonly begun: readonly StoredToken[];
  readonly messages: readonly ChatMessage[];
  readonly options: GenerateOptions;
  readonly given: { readonly tools?: readonly unknown[] };
}

/** An answer of which the first tokens are given, to the id: as text, they might be cut into others. */
async function* goOn(
  { model, tokenizer }: OpenModel,
  { promptIds, begun, messages, options, given }: Begun,
): AsyncGenerator<ChatDelta, void> {
  const parser = createAnswerParser(tokenizer, { thinking: endsThinking(tokenizer, promptIds), messages, ...given });
  for (const { id } of begun) yield* parser.push(id);
  const isEnded = tokenizer.eosIds.includes(begun[begun.length - 1].id);
  let isCut = false;
  if (!isEnded) {
    const onFinish = (figures: Summary): void => {
      isCut = figures.finishReason === "length";
      options.onFinish?.(figures);
    };
    const ids = [...promptIds, ...begun.map(({ id }) => id)];
    for await (const id of model.generate(ids, { ...options, onFinish })) yield* parser.push(id);
  }
  yield* parser.end(isCut ? "cut" : "model");
}
