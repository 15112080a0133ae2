// An answer of the model, whatever protocol asks for it: its pieces, and figures at the end.
import type { ChatDelta, ChatMessage, ChatOptions, LanguageModel, Summary, TokenReport } from "../index.ts";
import type { Metrics } from "./metrics.ts";
import type { Queue } from "./queue.ts";
import { checkRouting, routingOf } from "./routing.ts";

/** A model and the terms on which it is served. */
export interface Served {
  readonly model: LanguageModel;
  /** What answers call it. */
  readonly name: string;
  /** In seconds, as OpenAI has it. */
  readonly created: number;
  /** What requests leave open. */
  readonly defaults: ChatOptions;
  readonly queue: Queue;
  readonly metrics: Metrics;
}

export interface Ask {
  readonly messages: readonly ChatMessage[];
  readonly options: ChatOptions;
  /** Of several calls in one answer, only the first is given out. */
  readonly oneCall?: boolean;
  /** Tell which experts each token went to. */
  readonly routing?: boolean;
}

export interface Piece {
  readonly delta: ChatDelta;
  /** Those that the piece was made of, as far as they were reported before it. */
  readonly tokens: readonly TokenReport[];
}

export interface Figures extends Summary {
  readonly reasoningTokens: number;
  /** Where it is asked for. */
  readonly routing?: object;
}

/** @throws what `chat` throws */
export async function* answer(
  { model, defaults, metrics }: Served,
  { messages, options, oneCall = false, routing = false }: Ask,
  signal: AbortSignal,
): AsyncGenerator<Piece, Figures> {
  checkRouting(model, routing);
  let summary: Summary | undefined;
  const ids: number[] = [];
  // A template may print it.
  const now = new Date();
  let tokens: TokenReport[] = [];
  let reasoningTokens = 0;
  let calls = 0;
  const { idOf, isSpecial } = await model.tokenizer();
  const thinking = ["<think>", "</think>"].map(idOf);
  const deltas = model.chat(messages, {
    ...defaults,
    ...options,
    now,
    signal,
    onToken(token) {
      if (routing) ids.push(token.id);
      // A marker is no part of any text.
      if (!isSpecial(token.id) && !thinking.includes(token.id)) tokens.push(token);
    },
    onFinish(figures) {
      summary = figures;
    },
  });
  for await (const delta of deltas) {
    if (delta.reasoning_content !== undefined) reasoningTokens += tokens.length;
    const isLeftOut = delta.tool_calls !== undefined && oneCall && calls++ > 0;
    if (!isLeftOut) yield { delta, tokens };
    tokens = [];
  }
  const prompt = routing ? await model.encodeChat(messages, { tools: options.tools, now, signal }) : [];
  const figures = {
    ...(summary as Summary),
    reasoningTokens,
    ...(routing && { routing: await routingOf(model, prompt, ids, signal) }),
  };
  metrics.answered(figures);
  return figures;
}

/** Runs `work` when its turn comes. */
export async function* inTurn<T, R>(
  queue: Queue,
  client: string,
  signal: AbortSignal,
  work: () => AsyncGenerator<T, R>,
): AsyncGenerator<T, R> {
  const leave = await queue.turn(client, signal);
  try {
    return yield* work();
  } finally {
    leave();
  }
}
