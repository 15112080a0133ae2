// A turn: an answer to what was asked, and another for as long as the model calls tools and gets their results.
import type { ChatOptions, LanguageModel, Summary } from "../api/language-model.ts";
import { createAnswerCollector } from "../chat/answer.ts";
import type { ToolCallDelta } from "../chat/answer-parser.ts";
import { leaveCalls } from "./call-results.ts";
import type { Conversation } from "./conversation.ts";
import { type AnswerSink, takeAnswer } from "./take-answer.ts";

/** Runs work that can be stopped: its signal is then aborted, and the work throws the signal's reason. */
export type Interruptible = <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/**
 * What the calls of an answer gave, for the model to read: one result after another, in the order of the calls, however
 * these are run. It ends early when there will be no more.
 */
export type ResultsOf = (calls: readonly ToolCallDelta[]) => AsyncIterable<string>;

export interface TurnParts {
  readonly model: Pick<LanguageModel, "chat">;
  readonly conversation: Conversation;
  readonly options: Omit<ChatOptions, "signal" | "onFinish">;
  /** Undefined where no calls are run, only shown. */
  readonly resultsOf: ResultsOf | undefined;
  readonly interruptible: Interruptible;
  /** Takes an answer's pieces; asked anew for each answer. */
  readonly sinks: () => readonly AnswerSink[];
  readonly onAnswer: (summary: Summary) => void;
}

/** A model that calls the same tool over and over would never stop. */
export const MAX_ROUNDS = 20;

/**
 * Answers what the conversation ends with, and keeps what is said in it. Every call has a result afterwards, if only
 * that it was not run.
 *
 * @returns `too many rounds` when the model has called tools more than MAX_ROUNDS times in a row
 * @throws what the model throws, and the reason of whoever stopped it; what was said until then is kept in that case
 */
export async function takeTurn(parts: TurnParts): Promise<"done" | "too many rounds"> {
  const { conversation, resultsOf } = parts;
  for (let round = 0; ; round++) {
    const { calls, waits } = await oneAnswer(parts);
    if (!waits) return "done";
    if (round === MAX_ROUNDS) {
      leaveCalls(calls, conversation, "too many calls in a row");
      return "too many rounds";
    }
    if (resultsOf === undefined) {
      leaveCalls(calls, conversation, "nobody to run it");
      return "done";
    }
    if (!(await addResults(calls, conversation, resultsOf))) return "done";
  }
}

/** @returns its calls, and whether the model waits for their results */
async function oneAnswer({
  model,
  conversation,
  options,
  interruptible,
  sinks,
  onAnswer,
}: TurnParts): Promise<{ readonly calls: readonly ToolCallDelta[]; readonly waits: boolean }> {
  const collector = createAnswerCollector();
  let isStopped = false;
  try {
    const summary = await interruptible((signal) => {
      signal.addEventListener("abort", () => {
        isStopped = true;
      });
      const start = (finish: object) => model.chat(conversation.messages, { ...options, ...finish, signal });
      return takeAnswer(start, [collector, ...sinks()]);
    });
    conversation.answered(collector.message());
    const waits = summary.finishReason === "tool_calls";
    if (!waits) leaveCalls(collector.toolCalls, conversation, "the answer was cut");
    onAnswer(summary);
    return { calls: collector.toolCalls, waits };
  } catch (error) {
    if (isStopped) {
      conversation.answered(collector.message());
      leaveCalls(collector.toolCalls, conversation, "stopped by the user");
    }
    throw error;
  }
}

/** @returns whether all calls have results */
async function addResults(
  calls: readonly ToolCallDelta[],
  conversation: Conversation,
  resultsOf: ResultsOf,
): Promise<boolean> {
  const left = [...calls];
  try {
    for await (const result of resultsOf(calls)) conversation.toolSaid(left.shift() as ToolCallDelta, result);
    return left.length === 0;
  } finally {
    leaveCalls(left, conversation, "stopped by the user");
  }
}
