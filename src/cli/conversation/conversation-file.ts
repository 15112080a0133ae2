// A conversation in a file.
import type { ChatMessage } from "../../chat/messages.ts";
import { conversationJson, savedMessages } from "../../conversation/saved-conversation.ts";
import { errorInFile, readJson } from "../files/text-input.ts";
import { checkFree, writeWhole } from "../files/write-file.ts";

/** @throws OutputError when there is a file already and `force` is not set */
export async function saveConversation(path: string, messages: readonly ChatMessage[], force: boolean): Promise<void> {
  await checkFree(path, force, "/save -f");
  await writeWhole(path, conversationJson(messages));
}

/** @throws InputError naming the file, and the message at fault */
export async function loadConversation(path: string): Promise<readonly ChatMessage[]> {
  const found = await readJson(path, "a list of messages");
  try {
    return savedMessages(found);
  } catch (error) {
    throw errorInFile(path, error);
  }
}
