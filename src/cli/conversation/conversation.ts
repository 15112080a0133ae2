// The messages of a chat, turn by turn.
import type { AnswerMessage, ChatMessage, ToolCallDelta } from "../../index.ts";

export interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly system: string | undefined;
  ask(text: string): void;
  /** Keeps the answer to what was asked last; with nothing said, the question is forgotten too. */
  answered(answer: AnswerMessage): void;
  /** What a tool had to say to a call of the last answer. */
  toolSaid(call: ToolCallDelta, content: string): void;
  /** Forgets what was asked last, and all that came of it. */
  retract(): void;
  /** Begins anew. */
  reset(system: string | undefined): void;
  /** Goes on from somewhere else. */
  replace(messages: readonly ChatMessage[]): void;
}

export function createConversation(system: string | undefined): Conversation {
  let messages: ChatMessage[] = [];
  const begin = (text: string | undefined): void => {
    messages = text === undefined ? [] : [{ role: "system", content: text }];
  };
  const retract = (): void => {
    messages.splice(
      Math.max(
        0,
        messages.findLastIndex(({ role }) => role === "user"),
      ),
    );
  };
  begin(system);
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
    reset: begin,
    replace(loaded) {
      messages = [...loaded];
    },
  };
}
