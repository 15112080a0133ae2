// Conversations and tools in JSON: what is saved is what is loaded, and what is wrong is named.
import { expect, it } from "vitest";
import { parseExactJson } from "../../src/chat/exact-json.ts";
import type { ChatMessage } from "../../src/chat/messages.ts";
import { createConversation } from "../../src/conversation/conversation.ts";
import { conversationJson, savedMessages, savedTools } from "../../src/conversation/saved-conversation.ts";

const read = (text: string): unknown => parseExactJson(text, { keepOrder: true });

it("a conversation is loaded as it was saved, its numbers and the order of arguments included", () => {
  const args = '{"10": 2.0, "9": 12345678901234567890}';
  const text = `[{"role": "user", "content": "a"}, {"role": "assistant", "content": "", "tool_calls": [{"id": "1",
    "type": "function", "function": {"name": "f", "arguments": ${args}}}]}, {"role": "tool", "content": "x"}]`;
  const messages = savedMessages(read(text));
  const saved = conversationJson(messages);
  expect(saved.replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
  expect(savedMessages(read(saved))).toEqual(messages);
  expect(savedMessages(read(`{"messages": ${saved}}`))).toEqual(messages);
});

it("a conversation that is none is refused, by the message at fault", () => {
  expect(() => savedMessages({ a: 1 })).toThrow("messages: expected a list, found an object.");
  expect(() => savedMessages([{ role: "user", content: "a" }, { role: "nobody" }])).toThrow(/^messages\[1\]\.role: /);
});

it("tools are taken bare, in OpenAI's form, or within an object", () => {
  const bare = { name: "f", parameters: { type: "object", properties: {} } };
  const listed = [bare, { type: "function", function: bare }];
  expect(savedTools(listed)).toEqual(listed);
  expect(savedTools({ tools: listed })).toEqual(listed);
  expect(() => savedTools([bare, { type: "function" }])).toThrow(
    expect.objectContaining({ name: "ChatError", message: "tools[1]: expected a function with a name, found none." }),
  );
});

it("a conversation forgets what it is told to", () => {
  const conversation = createConversation("s");
  const roles = () => conversation.messages.map(({ role }) => role).join(" ");
  conversation.ask("a");
  conversation.answered({ role: "assistant", content: "b" });
  conversation.ask("c");
  conversation.answered({ role: "assistant", content: " \n" });
  expect(roles()).toBe("system user assistant");
  conversation.ask("d");
  conversation.retract();
  expect(roles()).toBe("system user assistant");
  conversation.replace([{ role: "user", content: "e" }] as ChatMessage[]);
  expect([roles(), conversation.system]).toEqual(["user", undefined]);
  conversation.reset("t");
  expect([roles(), conversation.system]).toEqual(["system", "t"]);
});
