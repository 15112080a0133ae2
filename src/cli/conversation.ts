// The messages of a chat, turn by turn.
import type { ChatMessage } from "../index.ts";
import type { Answer } from "./answer.ts";

export interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly system: string | undefined;
  ask(text: string): void;
  /** Keeps the answer to what was asked last; with nothing said, the question is forgotten too. */
  answered(answer: Answer): void;
  /** Forgets what was asked last. */
  retract(): void;
  /** Begins anew. */
  reset(system: string | undefined): void;
}

export function createConversation(system: string | undefined): Conversation {
  let messages: ChatMessage[] = [];
  const begin = (text: string | undefined): void => {
    messages = text === undefined ? [] : [{ role: "system", content: text }];
  };
  begin(system);
  return {
    get messages() {
      return messages;
    },
    get system() {
      const [first] = messages;
      return first?.role === "system" ? (first.content as string) : undefined;
    },
    ask(text) {
      messages.push({ role: "user", content: text });
    },
    answered({ text, thinking, toolCalls }) {
      // Calls go back as the model wrote them: templates put content in as it is.
      const calls = toolCalls.map((call) => `<|tool_call_start|>${call}<|tool_call_end|>`);
      const content = [text, ...calls].join("");
      if (content === "") messages.pop();
      else messages.push({ role: "assistant", content, ...(thinking === "" ? {} : { thinking }) });
    },
    retract() {
      messages.pop();
    },
    reset: begin,
  };
}
