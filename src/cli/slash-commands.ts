// The few commands of a chat; whatever else is typed is said to the model.
import type { Conversation } from "./conversation.ts";
import { note } from "./terminal.ts";

const HELP = [
  "/reset          forget the conversation",
  "/system [TEXT]  show the system prompt, or set it and begin anew",
  "/quit           leave (also Ctrl-D, or Ctrl-C at an empty prompt)",
  "A line that ends with \\ goes on on the next one. Ctrl-C stops an answer.",
];

/** @returns undefined for what is not a command: a path such as /etc/hosts is not one */
export function runSlashCommand(line: string, conversation: Conversation): "done" | "quit" | undefined {
  const [, name, rest] = /^\/([a-z]+)(?:\s+(.*))?$/s.exec(line.trimEnd()) ?? [];
  if (name === undefined) return undefined;
  switch (name) {
    case "quit":
    case "exit":
      return "quit";
    case "help":
      for (const text of HELP) note(text);
      return "done";
    case "reset":
      conversation.reset(conversation.system);
      note("The conversation begins anew.");
      return "done";
    case "system":
      if (rest === undefined) note(conversation.system ?? "There is no system prompt; /system TEXT sets one.");
      else {
        conversation.reset(rest);
        note("The system prompt is set; the conversation begins anew.");
      }
      return "done";
    default:
      note(`/${name}: expected a command, found none of this name. /help lists them.`);
      return "done";
  }
}
