// POST /v1/chat/completions.
// @source platform.openai.com/docs/api-reference/chat; llama.cpp's and vLLM's servers for what they have added
import { z } from "zod";
import type { ChatDelta, Summary } from "../../index.ts";
import { createAnswerCollector, choices as drawChoices, type TokenReport } from "../../index.ts";
import { type Ask, answer, type Figures, type Piece, type Served, type ServedRequest } from "../answer.ts";
import type { ServerEvent } from "../http/event-stream.ts";
import { routingField } from "../routing.ts";
import { messageField, messagesOf } from "./message-fields.ts";
import { samplingFields, samplingOf, stated, stopField } from "./sampling-fields.ts";
import { type FunctionTool, formatField, formatOf, toolChoiceField, toolField, toolOptions } from "./tools.ts";
import { logprobsOf, timingsOf, usageOf } from "./usage.ts";

const MOST_CHOICES = 16;

export const chatRequest = z.looseObject({
  model: z.string().nullish(),
  messages: z.array(messageField).min(1),
  ...samplingFields,
  max_tokens: z.number().nullish(),
  max_completion_tokens: z.number().nullish(),
  n: z.int().min(1).max(MOST_CHOICES).nullish(),
  stop: stopField,
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  tools: z.array(toolField).nullish(),
  tool_choice: toolChoiceField,
  parallel_tool_calls: z.boolean().nullish(),
  response_format: formatField,
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().nullish(),
  reasoning_effort: z.string().nullish(),
  thinking_budget: z.int().nullish(),
  routing: routingField,
  chat_template_kwargs: z.looseObject({ enable_thinking: z.boolean().nullish() }).nullish(),
});
export type ChatRequest = z.output<typeof chatRequest>;

export function askOf(body: ChatRequest): Ask {
  const tools = (body.tools ?? []).filter(
    (tool): tool is FunctionTool & typeof tool => tool.type === "function" && tool.function !== undefined,
  );
  const isThoughtless = body.reasoning_effort === "none" || body.chat_template_kwargs?.enable_thinking === false;
  return {
    messages: messagesOf(body.messages),
    oneCall: body.parallel_tool_calls === false,
    routing: body.routing === true,
    options: {
      ...samplingOf(body),
      ...toolOptions(tools, body.tool_choice),
      ...stated({
        maxTokens: body.max_completion_tokens ?? body.max_tokens,
        stop: body.stop,
        responseFormat: formatOf(body.response_format),
        thinkingBudget: body.thinking_budget ?? (isThoughtless ? 0 : undefined),
        topLogprobs: body.logprobs === true ? (body.top_logprobs ?? 0) : undefined,
      }),
    },
  };
}

export const chatAnswers = ({ n }: ChatRequest): number => n ?? 1;

interface Chosen {
  readonly index: number;
  readonly piece: Piece | Figures;
}

const isEnd = (piece: Piece | Figures): piece is Figures => "finishReason" in piece;

/** The answers, side by side, with their figures. */
async function* choicesOf(
  served: ServedRequest,
  ask: Ask,
  count: number,
  signal: AbortSignal,
): AsyncGenerator<Chosen, void> {
  const { seed } = { ...served.defaults, ...ask.options };
  yield* drawChoices(count, { seed, signal }, async function* (own): AsyncGenerator<Piece | Figures, void> {
    yield yield* answer(served, { ...ask, options: { ...ask.options, seed: own.seed } }, own.signal);
  });
}

/** Without what the library adds to a call. */
function deltaOf({ content, reasoning_content, tool_calls: calls }: ChatDelta): object {
  if (calls !== undefined) return { tool_calls: calls.map(({ problems, ...call }) => call) };
  return content === undefined ? { reasoning_content } : { content };
}

const chunkHead = (served: Served, id: string): object => ({
  id,
  object: "chat.completion.chunk",
  created: Math.floor(Date.now() / 1000),
  model: served.name,
});

export async function* streamChat(
  served: ServedRequest,
  body: ChatRequest,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void> {
  const head = chunkHead(served, id);
  const wantsUsage = body.stream_options?.include_usage === true;
  const chunk = (choices: readonly object[], more: object = {}): ServerEvent => ({
    data: JSON.stringify({ ...head, choices, ...(wantsUsage && { usage: null }), ...more }),
  });
  const all: Figures[] = [];
  const begun = new Set<number>();
  for await (const { index, piece } of choicesOf(served, askOf(body), chatAnswers(body), signal)) {
    if (!begun.has(index)) {
      begun.add(index);
      yield chunk([{ index, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null }]);
    }
    if (isEnd(piece)) {
      all[index] = piece;
      const end = { index, delta: {}, logprobs: null, finish_reason: piece.finishReason, routing: piece.routing };
      yield chunk([end], { timings: timingsOf(piece) });
    } else {
      const { delta, tokens } = piece;
      const logprobs = body.logprobs === true && delta.content !== undefined ? logprobsOf(tokens) : null;
      yield chunk([{ index, delta: deltaOf(delta), logprobs, finish_reason: null }]);
    }
  }
  if (wantsUsage) yield chunk([], { usage: usageOf(all) });
  yield { data: "[DONE]" };
}

export async function completeChat(
  served: ServedRequest,
  body: ChatRequest,
  id: string,
  signal: AbortSignal,
): Promise<object> {
  const count = chatAnswers(body);
  const all: Figures[] = [];
  const choices: object[] = [];
  const collected = Array.from({ length: count }, () => ({
    collector: createAnswerCollector(),
    tokens: [] as TokenReport[],
  }));
  for await (const { index, piece } of choicesOf(served, askOf(body), count, signal)) {
    const { collector, tokens } = collected[index];
    if (!isEnd(piece)) {
      collector.push(piece.delta);
      if (piece.delta.content !== undefined) tokens.push(...piece.tokens);
      continue;
    }
    const { content, ...message } = collector.message();
    const isSilent = content === "" && message.tool_calls !== undefined;
    choices[index] = {
      index,
      message: { ...message, content: isSilent ? null : content, refusal: null },
      logprobs: body.logprobs === true ? logprobsOf(tokens) : null,
      finish_reason: piece.finishReason,
      routing: piece.routing,
    };
    all[index] = piece;
  }
  return {
    ...chunkHead(served, id),
    object: "chat.completion",
    choices,
    usage: usageOf(all),
    timings: timingsOf(all.at(-1) as Summary),
  };
}
