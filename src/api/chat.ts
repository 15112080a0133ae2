// A conversation that the model answers: messages become ids, ids become text, thoughts and tool calls.
import { type ChatDelta, createAnswerParser } from "../chat/answer-parser.ts";
import type { ChatMessage } from "../chat/messages.ts";
import { checkStops, createStopFilter } from "../chat/stop-strings.ts";
import { endsThinking } from "../chat/thinking.ts";
import type { ThinkingBudget } from "../engine/thinking-budget.ts";
import type { ModelTokenizer } from "../text/text.ts";
import { answerIds, withStop } from "./answer-ids.ts";
import type { ChatOptions, EncodeChatOptions, Summary } from "./language-model.ts";
import type { ModelParts } from "./model-parts.ts";
import { needText } from "./model-text.ts";

export async function encodeChat(
  { text }: ModelParts,
  messages: readonly ChatMessage[],
  { tools, now, continueFinalMessage, parseSpecial = "trusted", signal }: EncodeChatOptions = {},
): Promise<number[]> {
  const { render, tokenizer } = needText(text);
  const prompt = await render(messages, { tools, now, continueFinalMessage, parseSpecial }, signal);
  return (await tokenizer()).encode(prompt.text, { parseSpecial: prompt.trusted, signal });
}

export async function* chat(
  parts: ModelParts,
  messages: readonly ChatMessage[],
  options: ChatOptions,
): AsyncGenerator<ChatDelta, void> {
  const { tools, now, continueFinalMessage, stop, thinkingBudget, responseFormat, toolChoice, ...rest } = options;
  const { mayThink = true, ...generation } = rest;
  const { signal } = generation;
  const stops = createStopFilter<ChatDelta>(
    checkStops(stop, responseFormat !== undefined),
    (delta) => delta.content,
    (_, content) => ({ content }),
  );
  const ids = await encodeChat(parts, messages, { tools, now, continueFinalMessage, signal });
  const tokenizer = await needText(parts.text).tokenizer();
  // Some templates begin the thought themselves.
  const isOpen = endsThinking(tokenizer, ids);
  const thinking = budgetOf(tokenizer, thinkingBudget, isOpen);
  const rules = await parts.rulesFor(
    { responseFormat, tools, toolChoice },
    isOpen ? "open" : mayThink ? "possible" : "none",
    signal,
  );
  // What is held to a format after the thought cannot be thought.
  const isHeld = rules?.grammar !== undefined && rules.trigger === undefined;
  const budget = isHeld ? undefined : thinking;
  const parser = createAnswerParser(tokenizer, { thinking: isOpen, budget, tools, messages });
  let summary: Summary | undefined;
  const onFinish = (figures: Summary): void => {
    summary = figures;
  };
  const conditions = { thinking, rules, metStop: () => stops.met };
  for await (const id of answerIds(parts, tokenizer, ids, generation, conditions, onFinish)) {
    yield* stops.push(parser.push(id));
  }
  const ended = summary?.finishReason === "stop" && stops.met === undefined;
  const remains = stops.met === undefined ? parser.end(ended ? "model" : "cut") : [];
  // No stop string may end a call that is held to a grammar: what is left of one was cut.
  const isCutCall = rules?.grammar !== undefined && !ended;
  if (!isCutCall) yield* stops.push(remains);
  yield* stops.end();
  if (isCutCall) yield* remains;
  if (summary === undefined) return;
  const waits = ended && stops.met === undefined && parser.callCount > 0;
  generation.onFinish?.(waits ? { ...summary, finishReason: "tool_calls" } : withStop(summary, stops.met));
}

function budgetOf(tokenizer: ModelTokenizer, tokens: number | undefined, isOpen: boolean): ThinkingBudget | undefined {
  const [open, close] = ["<think>", "</think>"].map(tokenizer.idOf);
  if (tokens === undefined || open === undefined || close === undefined) return undefined;
  return { tokens, open, close, isOpen };
}
