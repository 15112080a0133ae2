// A conversation in a file: a JSON list of messages in OpenAI's form.
import { membersOf, writeExactJson } from "../../chat/exact-json.ts";
import { type ChatMessage, checkMessages } from "../../chat/messages.ts";
import { errorInFile, readJson } from "../files/text-input.ts";
import { checkFree, writeWhole } from "../files/write-file.ts";

/** @throws Error when there is a file already and `force` does not say that it may go */
export async function saveConversation(path: string, messages: readonly ChatMessage[], force: boolean): Promise<void> {
  await checkFree(path, force, "/save -f");
  await writeWhole(path, `${writeExactJson(messages)}\n`);
}

/** @throws Error naming the file, and the message at fault */
export async function loadConversation(path: string): Promise<readonly ChatMessage[]> {
  const found = await readJson(path, "a list of messages");
  const { messages = found } = membersOf(found) ?? {};
  try {
    return checkMessages(byName(messages));
  } catch (error) {
    throw errorInFile(path, error);
  }
}

/**
 * Messages whose members are objects, though a key such as "10" among them has made a Map of some: their order is of no
 * matter. What a template may print, such as arguments, stays as it is.
 */
export function byName(messages: unknown): unknown {
  return eachOf(messages, (message) => ({
    ...message,
    ...("content" in message ? { content: eachOf(message.content, (part) => part) } : {}),
    ...("tool_calls" in message ? { tool_calls: eachOf(message.tool_calls, withFunction) } : {}),
  }));
}

type Members = Readonly<Record<string, unknown>>;

const withFunction = (call: Members): Members =>
  "function" in call ? { ...call, function: membersOf(call.function) ?? call.function } : call;

function eachOf(list: unknown, read: (members: Members) => Members): unknown {
  if (!Array.isArray(list)) return list;
  return list.map((item: unknown) => {
    const members = membersOf(item);
    return members === undefined ? item : read(members);
  });
}
