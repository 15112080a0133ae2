// What a conversation is made of, and the checks on one that comes from outside.

import { Lfm2Error } from "../lfm2-error.ts";
import { writeToolCalls } from "./calls/tool-call-text.ts";
import { PythonFloat, parseExactJson } from "./exact-json.ts";

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
  readonly function: {
    readonly name: string;
    /** An object, or JSON text of one as OpenAI has it. */
    readonly arguments: Readonly<Record<string, unknown>> | string;
  };
}

/** One turn, in the names Hugging Face's templates read. Other members are handed to the template as they are. */
export interface ChatMessage {
  readonly role: ChatRole;
  /** May be missing in an assistant's turn that only thinks or calls tools. */
  readonly content?: string | readonly ContentPart[] | null;
  /** What the assistant thought before this answer. */
  readonly thinking?: string;
  /** The same by OpenAI's servers' name for it. */
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ToolCall[];
  readonly [key: string]: unknown;
}

/** A conversation, a tool list or a template cannot be made into a prompt. */
export class ChatError extends Lfm2Error {
  override readonly name = "ChatError";
}

const ROLES: readonly unknown[] = ["system", "user", "assistant", "tool"];
// Far above any context this family has (128,000 tokens are under a million characters), and small enough to hold.
const MAX_MESSAGES = 10_000;
const MAX_CHARACTERS = 1 << 24;
// A token holds at most two of JSON's, and this many are looked through in some 20 ms.
const MAX_VALUES = 500_000;
const MAX_DEPTH = 64;
/** Arguments as JSON text. A context of 128,000 tokens holds about half as much. */
export const MAX_ARGUMENTS_CHARACTERS = 1 << 20;

/**
 * Checks a conversation from outside; it is returned as it came, not copied.
 *
 * @throws ChatError naming the message and the member at fault
 */
export function checkMessages(messages: unknown): readonly ChatMessage[] {
  if (!Array.isArray(messages)) {
    throw new ChatError({ subject: "messages", expected: "a list", found: kindOf(messages) });
  }
  if (messages.length === 0) throw new ChatError({ subject: "messages", expected: "at least one", found: "none" });
  if (messages.length > MAX_MESSAGES) {
    throw new ChatError({
      subject: "messages",
      expected: `at most ${MAX_MESSAGES}`,
      found: messages.length,
      remedy: "Leave the oldest out.",
    });
  }
  messages.forEach(checkMessage);
  checkSize(messages, "messages");
  return messages;
}

/** @throws ChatError when `tools` is not a list of JSON objects (or strings that hold one), or too large */
export function checkTools(tools: unknown): readonly unknown[] {
  if (!Array.isArray(tools)) throw new ChatError({ subject: "tools", expected: "a list", found: kindOf(tools) });
  tools.forEach((tool: unknown, index) => {
    if (kindOf(tool) === "an object" || typeof tool === "string") return;
    throw new ChatError({
      subject: `tools[${index}]`,
      expected: "an object that describes a function",
      found: kindOf(tool),
    });
  });
  checkSize(tools, "tools");
  return tools;
}

function checkMessage(message: unknown, index: number): void {
  const subject = `messages[${index}]`;
  if (kindOf(message) !== "an object") throw new ChatError({ subject, expected: "an object", found: kindOf(message) });
  if (message instanceof Map) {
    throw new ChatError({ subject, expected: "an object", found: "a Map", remedy: "Pass Object.fromEntries of it." });
  }
  const members = message as Record<string, unknown>;
  const { role, tool_calls: toolCalls } = members;
  if (!ROLES.includes(role)) {
    throw new ChatError({
      subject: `${subject}.role`,
      expected: ROLES.join(", "),
      found: JSON.stringify(role) ?? "nothing",
    });
  }
  checkContent(members, subject);
  for (const name of ["thinking", "reasoning_content"]) {
    const thought = members[name];
    if (thought === undefined || thought === null || typeof thought === "string") continue;
    throw new ChatError({ subject: `${subject}.${name}`, expected: "a string", found: kindOf(thought) });
  }
  if (toolCalls === undefined || toolCalls === null) return;
  if (role !== "assistant") {
    throw new ChatError({
      subject: `${subject}.tool_calls`,
      expected: "in assistant's turns only",
      found: `in ${role}'s`,
    });
  }
  if (!Array.isArray(toolCalls)) {
    throw new ChatError({ subject: `${subject}.tool_calls`, expected: "a list", found: kindOf(toolCalls) });
  }
  toolCalls.forEach((call: unknown, k) => {
    checkToolCall(call, `${subject}.tool_calls[${k}]`);
  });
}

function checkContent({ role, content, ...members }: Record<string, unknown>, subject: string): void {
  if (typeof content === "string") return;
  if (Array.isArray(content)) {
    content.forEach((part: unknown, k) => {
      const { type, text } = kindOf(part) === "an object" ? (part as Record<string, unknown>) : {};
      if (typeof type === "string" && (type !== "text" || typeof text === "string")) return;
      throw new ChatError({
        subject: `${subject}.content[${k}]`,
        expected: '{ type: "text", text } or another typed part',
        found: kindOf(part),
      });
    });
    return;
  }
  const { tool_calls: calls, thinking, reasoning_content: reasoning } = members;
  const hasMore = Array.isArray(calls) || [thinking, reasoning].some((thought) => typeof thought === "string");
  if ((content === undefined || content === null) && role === "assistant" && hasMore) return;
  throw new ChatError({
    subject: `${subject}.content`,
    expected: "a string or a list of parts",
    found: kindOf(content),
  });
}

function checkToolCall(call: unknown, subject: string): void {
  const described = kindOf(call) === "an object" ? (call as Record<string, unknown>).function : undefined;
  const { name, arguments: args } = kindOf(described) === "an object" ? (described as Record<string, unknown>) : {};
  if (typeof name !== "string" || name === "") {
    throw new ChatError({ subject: `${subject}.function.name`, expected: "a function's name", found: kindOf(name) });
  }
  if (kindOf(args) === "an object") return;
  const where = `${subject}.function.arguments`;
  if (typeof args === "string" && args.length > MAX_ARGUMENTS_CHARACTERS) {
    throw new ChatError({
      subject: where,
      expected: `at most ${MAX_ARGUMENTS_CHARACTERS} characters`,
      found: args.length,
    });
  }
  const parsed = typeof args === "string" ? parsedOrText(args) : args;
  if (kindOf(parsed) !== "an object") {
    const found = typeof args === "string" ? "text that is neither" : kindOf(args);
    throw new ChatError({ subject: where, expected: "an object, or JSON text of one", found });
  }
  checkSize(parsed, where);
}

function parsedOrText(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return text;
  }
}

/**
 * A checked conversation as templates read it: arguments as objects whose numbers keep their kind, thoughts as
 * `thinking`.
 *
 * @param options.writesCalls  whether the template writes tool_calls; if not, they are put behind the content as LFM2
 *                             writes them, since the conversation would make no sense without
 */
export function forTemplate(
  messages: readonly ChatMessage[],
  { writesCalls }: { readonly writesCalls: boolean },
): readonly ChatMessage[] {
  return messages.map((message) => {
    const { thinking, reasoning_content: reasoning, tool_calls: calls, content } = message;
    const members: Record<string, unknown> = { ...message };
    if (!thinking && reasoning) members.thinking = reasoning;
    if (!calls || calls.length === 0) return members as unknown as ChatMessage;
    const parsed = calls.map(withParsedArguments);
    if (writesCalls) return { ...members, tool_calls: parsed } as unknown as ChatMessage;
    const written = writeToolCalls(parsed.map((call) => call.function));
    const text = Array.isArray(content) ? [...content, { type: "text", text: written }] : `${content ?? ""}${written}`;
    return { ...members, content: text, tool_calls: undefined } as unknown as ChatMessage;
  });
}

/** A call whose arguments are members, where they came as JSON text. */
export function withParsedArguments(call: ToolCall): ToolCall & { function: { arguments: Record<string, unknown> } } {
  const { arguments: args } = call.function;
  const members = (typeof args === "string" ? parseExactJson(args, { keepOrder: true }) : args) as Record<
    string,
    unknown
  >;
  return { ...call, function: { ...call.function, arguments: members } };
}

/**
 * The characters of a value, those of keys among them; anything but a string counts as one.
 *
 * @throws ChatError when it is larger than a conversation may be, nested too deeply (as cycles are), or holds what JSON
 *         cannot
 */
export function checkSize(value: unknown, subject: string): number {
  let left = MAX_CHARACTERS;
  let values = 0;
  const visit = (member: unknown, depth: number): void => {
    if (depth > MAX_DEPTH) {
      throw new ChatError({ subject, expected: `at most ${MAX_DEPTH} levels of nesting`, found: "more" });
    }
    left -= typeof member === "string" ? member.length : 1;
    // A list may have more places than members.
    if (++values > MAX_VALUES || (Array.isArray(member) && member.length > MAX_VALUES)) {
      throw new ChatError({
        subject,
        expected: `at most ${MAX_VALUES} values in all`,
        found: "more",
        remedy: "Shorten lists.",
      });
    }
    if (left < 0) {
      throw new ChatError({
        subject,
        expected: `at most ${MAX_CHARACTERS} characters in all`,
        found: "more",
        remedy: "Shorten the text.",
      });
    }
    if (typeof member === "function" || typeof member === "symbol") {
      throw new ChatError({ subject, expected: "values that JSON can hold", found: `a ${typeof member}` });
    }
    if (typeof member !== "object" || member === null || member instanceof PythonFloat) return;
    for (const [key, child] of member instanceof Map ? member : Object.entries(member)) {
      left -= key.length;
      visit(child, depth + 1);
    }
  };
  visit(value, 0);
  return MAX_CHARACTERS - left;
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
