// Which strings of a conversation come from outside, and the conversation as a template's values with those marked.
import { concatenate, Text, untrustedText } from "../jinja/text.ts";
import { Dict, List, Undefined, type Value } from "../jinja/values.ts";
import { PythonFloat, parseExactJson } from "./exact-json.ts";
import type { ChatMessage } from "./messages.ts";

/**
 * Untrusted is what a user or a tool wrote, and what a model made of it: every string of `user` and `tool` messages
 * but the role, tool calls of the assistant (names, arguments, ids), and tool definitions. System text and the
 * assistant's content and thinking are trusted: the application wrote the first, the model the second, and templates
 * and clients keep calls and thoughts in them as control tokens.
 */
export function messageValue(message: ChatMessage): Dict {
  return new Dict(
    Object.entries(message).flatMap(([key, member]) => {
      if (member === undefined) return [];
      const value = key === "tool_calls" ? withParsedArguments(member) : member;
      const isTrusted = key === "role" || !(isOutside(message) || key === "tool_calls");
      return [[new Text(key), templateValue(value, isTrusted)] as const];
    }),
  );
}

/** Text parts joined; what else content holds is left out. */
export function contentText(message: ChatMessage): Text {
  const { content } = message;
  const parts = typeof content === "string" ? [content] : (content ?? []).map((part) => part.text ?? "");
  return concatenate(parts.map((part) => (isOutside(message) ? untrustedText(part) : new Text(part))));
}

const isOutside = ({ role }: ChatMessage): boolean => role === "user" || role === "tool";

/** Arguments may come as JSON text, as OpenAI's clients send them; templates go through their members. */
function withParsedArguments(calls: unknown): unknown {
  if (!Array.isArray(calls)) return calls;
  return calls.map((call) => {
    const text = call?.function?.arguments;
    if (typeof text !== "string") return call;
    return { ...call, function: { ...call.function, arguments: parseExactJson(text) } };
  });
}

/** JSON-like values as Python would hold them; members that are undefined are left out, as JSON.stringify does. */
export function templateValue(value: unknown, isTrusted: boolean): Value {
  switch (typeof value) {
    case "string":
      return isTrusted ? new Text(value) : untrustedText(value);
    case "number":
      return Number.isInteger(value) ? BigInt(value) : value;
    case "bigint":
    case "boolean":
      return value;
    case "undefined":
      return new Undefined("a variable");
    case "object":
      if (value === null) return null;
      if (value instanceof PythonFloat) return value.value;
      if (Array.isArray(value)) return new List(value.map((item) => templateValue(item, isTrusted)));
      return new Dict(
        [...(value instanceof Map ? value : Object.entries(value))].flatMap(([key, member]) => {
          if (member === undefined) return [];
          return [[templateValue(key, isTrusted), templateValue(member, isTrusted)] as const];
        }),
      );
    default:
      throw new Error(`expected a value that JSON can hold, found a ${typeof value}`);
  }
}
