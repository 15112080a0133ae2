// A conversation in a file: a JSON list of messages in OpenAI's form.
import { writeExactJson } from "../chat/exact-json.ts";
import { type ChatMessage, checkMessages } from "../chat/messages.ts";
import { readJson } from "./text-input.ts";
import { checkFree, writeWhole } from "./write-file.ts";

/** @throws Error when there is a file already and `force` does not say that it may go */
export async function saveConversation(path: string, messages: readonly ChatMessage[], force: boolean): Promise<void> {
  await checkFree(path, force, "/save -f");
  await writeWhole(path, `${writeExactJson(messages)}\n`);
}

/** @throws Error naming the file, and the message at fault */
export async function loadConversation(path: string): Promise<readonly ChatMessage[]> {
  const found = await readJson(path, "a list of messages");
  const { messages = found } = (found ?? {}) as { messages?: unknown };
  try {
    return checkMessages(messages);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}
