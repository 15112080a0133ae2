// An answer as a whole, put together from its deltas: a message that can be appended to the conversation.
import type { ChatDelta, ToolCallDelta } from "./answer-parser.ts";
import type { ChatMessage } from "./messages.ts";

export interface AnswerMessage extends ChatMessage {
  readonly role: "assistant";
  readonly content: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly Omit<ToolCallDelta, "index" | "problems">[];
}

export interface AnswerCollector {
  push(delta: ChatDelta): void;
  /** What has come so far, unchanged. */
  message(): AnswerMessage;
  /** The calls so far, with their problems. */
  readonly toolCalls: readonly ToolCallDelta[];
}

export function createAnswerCollector(): AnswerCollector {
  const content: string[] = [];
  const reasoning: string[] = [];
  const toolCalls: ToolCallDelta[] = [];
  return {
    toolCalls,
    push(delta) {
      if (delta.content !== undefined) content.push(delta.content);
      else if (delta.reasoning_content !== undefined) reasoning.push(delta.reasoning_content);
      else toolCalls.push(...delta.tool_calls);
    },
    message() {
      return {
        role: "assistant",
        content: content.join(""),
        ...(reasoning.length === 0 ? {} : { reasoning_content: reasoning.join("") }),
        ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(({ index, problems, ...call }) => call) }),
      };
    },
  };
}
