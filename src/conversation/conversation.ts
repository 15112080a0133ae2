// The messages of a conversation, turn by turn.
import type { AnswerMessage } from "../chat/answer.ts";
import type { ToolCallDelta } from "../chat/answer-parser.ts";
import type { ChatMessage } from "../chat/messages.ts";

export interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly system: string | undefined;
  ask(text: string): void;
  /** Keeps the answer to what was asked last; with nothing said, the question is forgotten too. */
  answered(answer: AnswerMessage): void;
  /** Adds the result of a call of the last answer. */
  toolSaid(call: ToolCallDelta, content: string): void;
  /** Forgets what was asked last, and all that came of it. */
  retract(): void;
  /** Begins anew. */
  reset(system: string | undefined): void;
  /** Continues from these messages instead. */
  replace(messages: readonly ChatMessage[]): void;
}

export function createConversation(system: string | undefined): Conversation {
  let messages = beginning(system);
  const retract = (): void => {
    const asked = messages.findLastIndex(({ role }) => role === "user");
    messages.splice(Math.max(0, asked));
  };
  return {
    get messages() {
      return messages;
    },
    get system() {
      const [first] = messages;
      return first?.role === "system" && typeof first.content === "string" ? first.content : undefined;
    },
    ask(text) {
      messages.push({ role: "user", content: text });
    },
    answered(answer) {
      const isEmpty = answer.content.trim() === "" && answer.tool_calls === undefined;
      if (!isEmpty) messages.push(answer);
      else if (messages.at(-1)?.role === "user") retract();
    },
    toolSaid({ id, function: { name } }, content) {
      messages.push({ role: "tool", tool_call_id: id, name, content });
    },
    retract,
    reset(text) {
      messages = beginning(text);
    },
    replace(loaded) {
      messages = [...loaded];
    },
  };
}

function beginning(system: string | undefined): ChatMessage[] {
  return system === undefined ? [] : [{ role: "system", content: system }];
}
