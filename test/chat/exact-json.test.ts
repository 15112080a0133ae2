// Numbers and orders that JavaScript would change, held against what Python's json and jinja2 make of the same text.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { plainJson, writeExactJson } from "../../src/chat/exact-json.ts";
import type { ChatMessage } from "../../src/chat/messages.ts";
import { createTemplate } from "../../src/chat/template.ts";
import { PythonFloat, parseExactJson } from "../../src/index.ts";

const golden = (path: string): string => readFileSync(new URL(`../../golden/${path}`, import.meta.url), "utf8");
const cases: { name: string; messages: string; tools: string; text: string }[] = JSON.parse(
  golden("text/exact-json.json"),
).cases;
const template = createTemplate(golden("nano/chat_template.jinja"));
const exact = (text: string) => parseExactJson(text, { keepOrder: true });

const render = (messages: unknown, tools: unknown): string =>
  template.render(messages as ChatMessage[], {
    tools: (tools ?? undefined) as unknown[] | undefined,
    addGenerationPrompt: true,
    bosToken: "<|startoftext|>",
  });

describe("parseExactJson", () => {
  it.each(cases)("gives the template what Python's json gives it: $name", ({ messages, tools, text }) => {
    expect(render(exact(messages), exact(tools))).toBe(text);
  });

  it("differs from JSON.parse in what it is for, and gives back the rest", () => {
    expect(exact('{"10": 2.0, "2": 12345678901234567890}')).toEqual(
      new Map<string, unknown>([
        ["10", new PythonFloat(2)],
        ["2", 12345678901234567890n],
      ]),
    );
    for (const { messages, tools } of cases) {
      for (const text of [messages, tools]) {
        expect(JSON.stringify(plainJson(exact(text)))).toBe(JSON.stringify(JSON.parse(text)));
      }
    }
  });
});

describe("writeExactJson", () => {
  it.each(cases)("keeps what was read: $name", ({ messages, tools, text }) => {
    for (const json of [messages, tools]) expect(exact(writeExactJson(exact(json)))).toEqual(exact(json));
    const [again, list] = [messages, tools].map((json) => exact(writeExactJson(exact(json))));
    expect(render(again, list)).toBe(text);
  });

  it("writes what JSON.stringify does where nothing is special", () => {
    const value = [{ role: "user", content: 'a "quoted":\n line \\ ', n: [1, null, true] }];
    expect(writeExactJson(value)).toBe(JSON.stringify(value, null, 2));
  });
});
