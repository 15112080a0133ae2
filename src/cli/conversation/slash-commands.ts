// The few commands of a chat; whatever else is typed is said to the model.
import type { Conversation } from "../../conversation/conversation.ts";
import { Lfm2Error } from "../../lfm2-error.ts";
import { describeError } from "../exit.ts";
import { note } from "../terminal/terminal.ts";
import { loadConversation, saveConversation } from "./conversation-file.ts";

const HELP = [
  "/reset          forget the conversation",
  "/system [TEXT]  show the system prompt, or set it and begin anew",
  "/save FILE      write the conversation to a file, as JSON; /save -f FILE replaces one that is there",
  "/load FILE      go on with the conversation in a file, and with its system prompt",
  "/stats          tokens and speed so far, and how much of the context is used",
  "/quit           leave (also Ctrl-D, or Ctrl-C at an empty prompt)",
  "A line that ends with \\ goes on on the next one. Ctrl-C stops an answer.",
];

/**
 * @param statistics  lines for /stats
 * @returns undefined for what is not a command: a path such as /etc/hosts is not one
 */
export async function runSlashCommand(
  line: string,
  conversation: Conversation,
  statistics: () => Promise<readonly string[]>,
): Promise<"done" | "quit" | undefined> {
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
    case "save":
    case "load":
      if (rest === undefined) note(`/${name}: expected a file name behind it, found none.`);
      else await (name === "save" ? save(rest, conversation) : load(rest, conversation)).catch(complain);
      return "done";
    case "stats":
      try {
        for (const text of await statistics()) note(text);
      } catch (error) {
        complain(error); // a loaded conversation may be one that the template refuses
      }
      return "done";
    default:
      note(`/${name}: expected a command, found none of this name. /help lists them.`);
      return "done";
  }
}

async function save(stated: string, { messages }: Conversation): Promise<void> {
  const [, force, path] = /^(-f\s+)?(.*)$/s.exec(stated) as RegExpExecArray;
  if (messages.length === 0) {
    throw new Lfm2Error({
      subject: "/save",
      expected: "a conversation",
      found: "none yet",
      remedy: "Say something first.",
    });
  }
  await saveConversation(path, messages, force !== undefined);
  note(`${counted(messages.length)} saved to ${path}.`);
}

async function load(path: string, conversation: Conversation): Promise<void> {
  const before = conversation.system;
  conversation.replace(await loadConversation(path));
  note(`${counted(conversation.messages.length)} loaded from ${path}; the conversation goes on from there.`);
  const { system } = conversation;
  if (before === undefined || before === system) return;
  note(`The system prompt until now is gone: ${system === undefined ? "the file has none" : "the file has its own"}.`);
}

const counted = (count: number): string => `${count} message${count === 1 ? "" : "s"}`;
const complain = (error: unknown): void => note(describeError(error));
