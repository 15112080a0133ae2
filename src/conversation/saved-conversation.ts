// Conversations and lists of tools as JSON text holds them, in OpenAI's form.
import { readToolSchemas } from "../chat/calls/tool-check.ts";
import { membersOf, writeExactJson } from "../chat/exact-json.ts";
import { ChatError, type ChatMessage, checkMessages, checkTools } from "../chat/messages.ts";

/** A list of messages; numbers and the order of members stay as they came. */
export function conversationJson(messages: readonly ChatMessage[]): string {
  return `${writeExactJson(messages)}\n`;
}

/**
 * @param found  as `parseExactJson` reads it: a list of messages, or an object with `messages`
 * @throws ChatError naming the message at fault
 */
export function savedMessages(found: unknown): readonly ChatMessage[] {
  return checkMessages(statedConversation(found).messages);
}

/**
 * @param found  as `parseExactJson` reads it: a list of tools, in OpenAI's form or bare, or an object with `tools`
 * @returns the tools as they are written, for the template
 * @throws ChatError naming the tool at fault
 */
export function savedTools(found: unknown): readonly unknown[] {
  const tools = checkTools(statedTools(found));
  tools.forEach((tool, i) => {
    if (readToolSchemas([tool]).size === 1) return;
    throw new ChatError({ subject: `tools[${i}]`, expected: "a function with a name", found: "none" });
  });
  return tools;
}

/** What stands where messages and tools are expected, unchecked. */
export function statedConversation(found: unknown): { readonly messages: unknown; readonly tools: unknown } {
  const { messages = found, tools } = membersOf(found) ?? {};
  return { messages: byName(messages), tools };
}

export function statedTools(found: unknown): unknown {
  const { tools = found } = membersOf(found) ?? {};
  return tools;
}

/**
 * Messages whose members are objects, though a key such as "10" among them has made a Map of some: their order is of no
 * matter. What a template may print, such as arguments, stays as it is.
 */
function byName(messages: unknown): unknown {
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
