// An answer of the model, whatever protocol asks for it: its pieces, and figures at the end.
import { createConversation } from "../conversation/conversation.ts";
import { type Interruptible, type ResultsOf, takeTurn } from "../conversation/turn.ts";
import type { ChatDelta, ChatMessage, ChatOptions, LanguageModel, Summary, TokenReport } from "../index.ts";
import type { Metrics } from "./metrics.ts";
import { pushed } from "./pushed.ts";
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
  readonly metrics: Metrics;
  readonly tools?: ServedTools;
}

/** For one request. */
export interface ServedRequest extends Served {
  /**
   * Waits for the turn of one of its answers.
   * @returns what ends it
   */
  readonly turn: (signal: AbortSignal) => Promise<() => void>;
  /** Told of each new token. */
  readonly onToken: () => void;
}

/** Tools that the server runs itself, for requests that bring none: nobody else would run them. */
export interface ServedTools {
  readonly tools: NonNullable<ChatOptions["tools"]>;
  resultsFor(interruptible: Interruptible): ResultsOf;
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
export async function* answer(served: ServedRequest, ask: Ask, signal: AbortSignal): AsyncGenerator<Piece, Figures> {
  const leave = await served.turn(signal);
  try {
    return yield* answerNow(served, ask, signal);
  } finally {
    leave();
  }
}

async function* answerNow(served: ServedRequest, ask: Ask, signal: AbortSignal): AsyncGenerator<Piece, Figures> {
  const { model, defaults, metrics } = served;
  const { messages, options, oneCall = false, routing = false } = ask;
  checkRouting(model, routing);
  const { idOf, isSpecial } = await model.tokenizer();
  const thinking = ["<think>", "</think>"].map(idOf);
  let tokens: TokenReport[] = [];
  let reasoningTokens = 0;
  let calls = 0;
  const own = options.tools === undefined ? served.tools : undefined;
  // A template may print it.
  const now = new Date();
  const chatOptions: ChatOptions = { ...defaults, ...options, ...(own && { tools: own.tools }), now };
  /** Of the last answer: what it was asked, and its ids. */
  let asked = messages;
  let ids: number[] = [];
  const onToken = (token: TokenReport): void => {
    served.onToken();
    if (routing) ids.push(token.id);
    // A marker is no part of any text.
    if (!isSpecial(token.id) && !thinking.includes(token.id)) tokens.push(token);
  };
  const pieceOf = (delta: ChatDelta): Piece => {
    if (delta.reasoning_content !== undefined) reasoningTokens += tokens.length;
    const piece = { delta, tokens };
    tokens = [];
    return piece;
  };
  const summaries: Summary[] = [];
  if (own === undefined) {
    const onFinish = (figures: Summary): unknown => summaries.push(figures);
    for await (const delta of model.chat(messages, { ...chatOptions, signal, onToken, onFinish })) {
      const piece = pieceOf(delta);
      const isLeftOut = delta.tool_calls !== undefined && oneCall && calls++ > 0;
      if (!isLeftOut) yield piece;
    }
  } else {
    yield* pushed<Piece>(signal, async (push, signal) => {
      const conversation = createConversation(undefined);
      conversation.replace(messages);
      const interruptible: Interruptible = (work) => work(signal);
      /** What answers before have said: texts and thoughts of two are kept apart. */
      const said = new Set<Text>();
      let apart = new Set<Text>();
      const chat: LanguageModel["chat"] = (messages, options) => {
        [asked, ids, apart] = [[...messages], [], new Set(said)];
        return model.chat(messages, options);
      };
      const sink = {
        // Calls are run here: a client would not know their tools.
        push(delta: ChatDelta): void {
          const piece = pieceOf(delta);
          const kind = TEXTS.find((one) => delta[one] !== undefined);
          if (kind === undefined) return;
          const text = `\n\n${delta[kind]}`;
          const own: ChatDelta = kind === "content" ? { content: text } : { reasoning_content: text };
          push(apart.delete(kind) ? { ...piece, delta: own } : piece);
          said.add(kind);
        },
      };
      await takeTurn({
        model: { chat },
        conversation,
        options: { ...chatOptions, onToken },
        resultsOf: own.resultsFor(interruptible),
        interruptible,
        sinks: () => [sink],
        onAnswer: (figures) => summaries.push(figures),
      });
    });
  }
  const prompt = routing ? await model.encodeChat(asked, { tools: chatOptions.tools, now, signal }) : [];
  const figures = {
    ...together(summaries),
    // Calls of these tools have been answered, or there have been too many.
    ...(own !== undefined && summaries.at(-1)?.finishReason === "tool_calls" && { finishReason: "length" as const }),
    reasoningTokens,
    ...(routing && { routing: await routingOf(model, prompt, ids, signal) }),
  };
  metrics.answered(figures);
  return figures;
}

const TEXTS = ["content", "reasoning_content"] as const;
type Text = (typeof TEXTS)[number];

/** Of the answers of a turn: the prompt counts once, as it was asked. */
function together(all: readonly Summary[]): Summary {
  const [first] = all;
  const summed = ["newTokens", "guessedTokens", "acceptedTokens", "prefillMs", "decodeMs"] as const;
  const taken = Object.fromEntries(summed.map((what) => [what, all.reduce((total, one) => total + one[what], 0)]));
  const { promptTokens, cachedTokens } = first;
  return { ...(all.at(-1) as Summary), promptTokens, cachedTokens, ...taken };
}
