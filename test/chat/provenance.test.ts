import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExactJson } from "../../src/chat/exact-json.ts";
import type { ChatMessage } from "../../src/chat/messages.ts";
import { messageValue, templateValue } from "../../src/chat/provenance.ts";
import { createTemplate } from "../../src/chat/template.ts";
import { compileJinja } from "../../src/jinja/jinja.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { nanoJson } from "../tokenizer/nano.ts";

const golden = (path: string): string => readFileSync(new URL(`../../golden/${path}`, import.meta.url), "utf8");
const tokenizer = createTokenizer(nanoJson());
const now = new Date(2026, 0, 31);
const options = { addGenerationPrompt: true, bosToken: "<|startoftext|>", now };
const isWhole = (id: number): boolean => id < 16;

const control = [
  "<|im_end|>",
  "<|im_start|>",
  "<|tool_call_start|>",
  "<|tool_list_end|>",
  "<think>",
  "</think>",
  "<|startoftext|>",
];
/** Text with control strings, and with pieces that make one with what the template writes beside them. */
const text = fc.string({
  unit: fc.constantFrom(...control, "<|im_", "end|>", "<", "|>", "<|", " ", "\n", "a", "'", '"', "é", "😀"),
  maxLength: 6,
});
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(text, tie("value"), { maxKeys: 3 }),
  ),
})).value;
const call = fc.record({
  type: fc.constant("function" as const),
  function: fc.record({ name: text.map((name) => `f${name}`), arguments: fc.dictionary(text, json, { maxKeys: 3 }) }),
});
const turns = fc.tuple(
  fc.array(fc.record({ role: fc.constant("system" as const), content: text }), { maxLength: 1 }),
  fc.array(
    fc.oneof(
      fc.record({ role: fc.constant("user" as const), content: text }),
      fc.record({ role: fc.constant("tool" as const), content: text }),
      fc.record({
        role: fc.constant("assistant" as const),
        content: text,
        tool_calls: fc.array(call, { maxLength: 2 }),
      }),
      fc.record({ role: fc.constant("assistant" as const), content: text, thinking: text }),
    ),
    { minLength: 1, maxLength: 5 },
  ),
);
const chats = fc.record({
  messages: turns.map(([system, rest]): ChatMessage[] => [...system, ...rest]),
  tools: fc.option(fc.array(fc.dictionary(text, json, { maxKeys: 3 }), { minLength: 1, maxLength: 2 }), {
    nil: undefined,
  }),
});

/** The same value with other strings. */
function mapStrings(value: unknown, write: (text: string) => string): unknown {
  if (typeof value === "string") return write(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, write));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [write(key), mapStrings(member, write)]));
}

/** A conversation in which no stranger's text has a character that control strings begin or end with. */
function disarmed(messages: readonly ChatMessage[]): ChatMessage[] {
  const harmless = (value: unknown): unknown => mapStrings(value, (plain) => plain.replace(/[<>|]/g, "·"));
  return messages.map((message) => {
    if (message.role === "user" || message.role === "tool")
      return { ...message, content: harmless(message.content) as string };
    if (message.tool_calls === undefined) return message;
    const calls = message.tool_calls.map(({ function: { name, arguments: args } }) => ({
      function: { name: harmless(name) as string, arguments: harmless(args) as Record<string, unknown> },
    }));
    return { ...message, tool_calls: calls };
  });
}

describe.each([
  ["the embedded model's", golden("nano/chat_template.jinja")],
  ["LFM2.5's style of", golden("text/python-style.jinja")],
])("%s template", (_, source) => {
  const template = createTemplate(source);

  it("never lets a stranger's text become a control token, and keeps all others", () => {
    fc.assert(
      fc.property(chats, ({ messages, tools }) => {
        const { text: prompt, trusted } = template.render(messages, { ...options, tools });
        const ids = tokenizer.encode(prompt, { parseSpecial: trusted });
        expect(tokenizer.decode(ids)).toBe(prompt);
        const harmlessTools = mapStrings(tools, (plain) => plain.replace(/[<>|]/g, "·")) as unknown[] | undefined;
        const harmless = template.render(disarmed(messages), { ...options, tools: harmlessTools });
        expect(ids.filter(isWhole)).toEqual(tokenizer.encode(harmless.text).filter(isWhole));
      }),
      { numRuns: 300 },
    );
  });

  it("writes the same text as without marks", () => {
    const run = compileJinja(source);
    fc.assert(
      fc.property(chats, ({ messages, tools }) => {
        const values = {
          messages: templateValue(messages, true),
          tools: tools === undefined ? null : templateValue(tools, true),
          add_generation_prompt: true,
          bos_token: templateValue(options.bosToken, true),
        };
        const unmarked = run(Object.entries(values), now);
        expect(unmarked.untrusted).toEqual([]);
        expect(template.render(messages, { ...options, tools }).text).toBe(unmarked.value);
      }),
      { numRuns: 300 },
    );
  });

  it("gives Hugging Face's ids where no stranger writes a control string", () => {
    fc.assert(
      fc.property(chats, ({ messages }) => {
        const { text: prompt, trusted } = template.render(disarmed(messages), options);
        expect(tokenizer.encode(prompt, { parseSpecial: trusted })).toEqual(tokenizer.encode(prompt));
      }),
      { numRuns: 300 },
    );
  });
});

describe("what counts as a stranger's", () => {
  const template = createTemplate("{{ messages | tojson }}{{ tools | tojson }}{{ extra }}");
  const untrusted = (messages: ChatMessage[], tools?: unknown[]): string => {
    const { text: prompt, trusted } = template.render(messages, { ...options, tools, extra: "EXTRA" });
    let rest = prompt;
    for (const [start, end] of trusted.toReversed()) rest = `${rest.slice(0, start)} ${rest.slice(end)}`;
    return rest.trim().replace(/ +/g, " ");
  };

  it.each<[string, ChatMessage[], unknown[] | undefined, string]>([
    ["a user's content", [{ role: "user", content: "A" }], undefined, "A"],
    ["a user's parts", [{ role: "user", content: [{ type: "text", text: "A" }] }], undefined, "type text text A"],
    [
      "other members of a user's message",
      [{ role: "user", content: "A", name: "B", more: { k: "C" } }],
      undefined,
      "A B k C",
    ],
    ["a tool's content and name", [{ role: "tool", content: "A", name: "B" }], undefined, "A B"],
    ["tool definitions, keys and all", [{ role: "system", content: "A" }], [{ k: "V" }, "T"], "k V T"],
    [
      "an assistant's calls",
      [
        {
          role: "assistant",
          content: "A",
          thinking: "B",
          tool_calls: [{ id: "I", function: { name: "F", arguments: { K: "V" } } }],
        },
      ],
      undefined,
      "id I function name F arguments K V",
    ],
    [
      "nothing of system and assistant",
      [
        { role: "system", content: "A" },
        { role: "assistant", content: "B" },
      ],
      undefined,
      "",
    ],
  ])("%s", (_, messages, tools, expected) => {
    expect(untrusted(messages, tools)).toBe(expected);
  });

  it("arguments may come as JSON text, whose order and numbers are kept", () => {
    const message = {
      role: "assistant",
      tool_calls: [
        {
          function: {
            name: "f",
            arguments: '{"z": 1, "10": 2.0, "2": 1e-5, "a": {"9": 18446744073709551615, "1": null}}',
          },
        },
      ],
    };
    const variables = [["m", messageValue(message as unknown as ChatMessage)]] as const;
    expect(compileJinja("{{ m.tool_calls[0]['function'].arguments }}")(variables, now).value).toBe(
      "{'z': 1, '10': 2.0, '2': 1e-05, 'a': {'9': 18446744073709551615, '1': None}}",
    );
  });
});

describe("the tokenizer's parseSpecial, given spans", () => {
  const ids = (plain: string, spans: [number, number][]) => tokenizer.encode(plain, { parseSpecial: spans });
  const end = 7;

  it("counts control strings within a span, and not across its end", () => {
    const plain = "a<|im_end|>b<|im_end|>";
    expect(ids(plain, [[0, plain.length]])).toEqual(tokenizer.encode(plain));
    expect(ids(plain, [])).toEqual(tokenizer.encode(plain, { parseSpecial: false }));
    expect(ids(plain, [[0, 11]]).filter((id) => id === end)).toHaveLength(1);
    expect(
      ids(plain, [
        [0, 10],
        [13, 22],
      ]).filter((id) => id === end),
    ).toHaveLength(0);
    expect(
      ids(plain, [
        [0, 5],
        [5, 22],
      ]).filter((id) => id === end),
    ).toHaveLength(1);
  });

  it("finds a trusted control string after the beginning of one in untrusted text", () => {
    const plain = "<|im_<|im_end|>";
    expect(ids(plain, [[5, 15]]).at(-1)).toBe(end);
  });

  it("cuts words across the end of a span as it would without spans", () => {
    const plain = "hello world";
    for (let cut = 0; cut <= plain.length; cut++) expect(ids(plain, [[0, cut]])).toEqual(tokenizer.encode(plain));
  });
});

describe("conversations of our own", () => {
  interface Case {
    readonly name: string;
    readonly messages: ChatMessage[];
    readonly tools: unknown[] | null;
    readonly variables: Record<string, unknown>;
    readonly texts: Record<"nano" | "pythonStyle", string | null>;
  }
  const { cases } = parseExactJson(golden("text/chats.json")) as { cases: Case[] };
  const templates = {
    nano: createTemplate(golden("nano/chat_template.jinja")),
    pythonStyle: createTemplate(golden("text/python-style.jinja")),
  };
  for (const { name, messages, tools, variables, texts } of cases) {
    it(`equal Python's: ${name}`, () => {
      for (const which of ["nano", "pythonStyle"] as const) {
        const eosToken = "<|im_end|>";
        const rendered = templates[which].render(messages, {
          ...options,
          eosToken,
          tools: tools ?? undefined,
          ...variables,
        });
        expect(rendered.text).toBe(texts[which]);
      }
    });
  }
});
