// What a conversation is made of, and the checks on one that comes from outside.
import { PythonFloat } from "./exact-json.ts";

export type ChatRole = "system" | "user" | "assistant" | "tool";

/** A piece of a message's content; templates join the text ones. */
export interface ContentPart {
  readonly type: string;
  readonly text?: string;
  readonly [key: string]: unknown;
}

export interface ToolCall {
  readonly type?: "function";
  readonly id?: string;
  readonly function: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
}

/** One turn, in the names Hugging Face's templates read. Other members are handed to the template as they are. */
export interface ChatMessage {
  readonly role: ChatRole;
  /** May be missing in an assistant's turn that only calls tools. */
  readonly content?: string | readonly ContentPart[] | null;
  /** What the assistant thought before this answer. */
  readonly thinking?: string;
  readonly tool_calls?: readonly ToolCall[];
  readonly [key: string]: unknown;
}

/** A conversation, a tool list or a template cannot be made into a prompt. */
export class ChatError extends Error {
  override readonly name = "ChatError";
}

const ROLES: readonly unknown[] = ["system", "user", "assistant", "tool"];
// Far above any context this family has (128,000 tokens are under a million characters), and small enough to hold.
const MAX_MESSAGES = 10_000;
const MAX_CHARACTERS = 1 << 24;
const MAX_DEPTH = 64;

/**
 * Checks a conversation from outside; it is returned as it came, not copied.
 *
 * @throws ChatError naming the message and the member at fault
 */
export function checkMessages(messages: unknown): readonly ChatMessage[] {
  if (!Array.isArray(messages)) throw new ChatError(`messages: expected a list, found ${kindOf(messages)}.`);
  if (messages.length === 0) throw new ChatError("messages: expected at least one, found none.");
  if (messages.length > MAX_MESSAGES) {
    throw new ChatError(`messages: expected at most ${MAX_MESSAGES}, found ${messages.length}. Leave the oldest out.`);
  }
  messages.forEach(checkMessage);
  checkSize(messages, "messages");
  return messages;
}

/** @throws ChatError when `tools` is not a list of JSON objects (or strings that hold one), or too large */
export function checkTools(tools: unknown): readonly unknown[] {
  if (!Array.isArray(tools)) throw new ChatError(`tools: expected a list, found ${kindOf(tools)}.`);
  tools.forEach((tool: unknown, index) => {
    if (kindOf(tool) === "an object" || typeof tool === "string") return;
    throw new ChatError(`tools[${index}]: expected an object that describes a function, found ${kindOf(tool)}.`);
  });
  checkSize(tools, "tools");
  return tools;
}

function checkMessage(message: unknown, index: number): void {
  const subject = `messages[${index}]`;
  if (kindOf(message) !== "an object") throw new ChatError(`${subject}: expected an object, found ${kindOf(message)}.`);
  const { role, content, thinking, tool_calls: toolCalls } = message as Record<string, unknown>;
  if (!ROLES.includes(role)) {
    throw new ChatError(`${subject}.role: expected ${ROLES.join(", ")}, found ${JSON.stringify(role) ?? "nothing"}.`);
  }
  checkContent(content, role as ChatRole, toolCalls, subject);
  if (thinking !== undefined && thinking !== null && typeof thinking !== "string") {
    throw new ChatError(`${subject}.thinking: expected a string, found ${kindOf(thinking)}.`);
  }
  if (toolCalls === undefined || toolCalls === null) return;
  if (role !== "assistant")
    throw new ChatError(`${subject}.tool_calls: expected in assistant's turns only, found in ${role}'s.`);
  if (!Array.isArray(toolCalls))
    throw new ChatError(`${subject}.tool_calls: expected a list, found ${kindOf(toolCalls)}.`);
  toolCalls.forEach((call: unknown, k) => {
    checkToolCall(call, `${subject}.tool_calls[${k}]`);
  });
}

function checkContent(content: unknown, role: ChatRole, toolCalls: unknown, subject: string): void {
  if (typeof content === "string") return;
  if (Array.isArray(content)) {
    content.forEach((part: unknown, k) => {
      const { type, text } = kindOf(part) === "an object" ? (part as Record<string, unknown>) : {};
      if (typeof type === "string" && (type !== "text" || typeof text === "string")) return;
      throw new ChatError(
        `${subject}.content[${k}]: expected { type: "text", text } or another typed part, found ${kindOf(part)}.`,
      );
    });
    return;
  }
  if ((content === undefined || content === null) && role === "assistant" && Array.isArray(toolCalls)) return;
  throw new ChatError(`${subject}.content: expected a string or a list of parts, found ${kindOf(content)}.`);
}

function checkToolCall(call: unknown, subject: string): void {
  const described = kindOf(call) === "an object" ? (call as Record<string, unknown>).function : undefined;
  const { name, arguments: args } = kindOf(described) === "an object" ? (described as Record<string, unknown>) : {};
  if (typeof name !== "string" || name === "") {
    throw new ChatError(`${subject}.function.name: expected a function's name, found ${kindOf(name)}.`);
  }
  if (kindOf(args) === "an object") return;
  throw new ChatError(
    `${subject}.function.arguments: expected an object, found ${kindOf(args)}. Parse arguments that come as JSON text.`,
  );
}

/** Also refuses what JSON cannot hold, and cycles, which have no depth. */
function checkSize(value: unknown, subject: string): void {
  let left = MAX_CHARACTERS;
  const visit = (member: unknown, depth: number): void => {
    if (depth > MAX_DEPTH)
      throw new ChatError(`${subject}: expected at most ${MAX_DEPTH} levels of nesting, found more.`);
    left -= typeof member === "string" ? member.length : 1;
    if (left < 0) {
      throw new ChatError(
        `${subject}: expected at most ${MAX_CHARACTERS} characters in all, found more. Shorten the text.`,
      );
    }
    if (typeof member === "function" || typeof member === "symbol") {
      throw new ChatError(`${subject}: expected values that JSON can hold, found a ${typeof member}.`);
    }
    if (typeof member !== "object" || member === null || member instanceof PythonFloat) return;
    for (const [key, child] of member instanceof Map ? member : Object.entries(member)) {
      left -= key.length;
      visit(child, depth + 1);
    }
  };
  visit(value, 0);
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
