import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExactJson } from "../../src/chat/exact-json.ts";
import { ChatError, type ChatMessage } from "../../src/chat/messages.ts";
import { renderPrompt } from "../../src/chat/prompt.ts";
import { createTemplate } from "../../src/chat/template.ts";
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
        const { text: prompt, trusted } = renderPrompt(template, tokenizer, messages, { now, tools });
        expect(prompt).toBe(template.render(messages, { ...options, tools }));
        const ids = tokenizer.encode(prompt, { parseSpecial: trusted });
        expect(tokenizer.decode(ids)).toBe(prompt);
        const harmlessTools = mapStrings(tools, (plain) => plain.replace(/[<>|]/g, "·")) as unknown[] | undefined;
        const harmless = template.render(disarmed(messages), { ...options, tools: harmlessTools });
        expect(ids.filter(isWhole)).toEqual(tokenizer.encode(harmless).filter(isWhole));
      }),
      { numRuns: 300 },
    );
  });

  it("gives Hugging Face's ids where no stranger writes a control string", () => {
    fc.assert(
      fc.property(chats, ({ messages }) => {
        const { text: prompt, trusted } = renderPrompt(template, tokenizer, disarmed(messages), { now });
        expect(tokenizer.encode(prompt, { parseSpecial: trusted })).toEqual(tokenizer.encode(prompt));
      }),
      { numRuns: 300 },
    );
  });
});

/** The prompt of a template, each character of it that cannot begin a control string for its origin written as `·`. */
function shown(source: string, messages: ChatMessage[], tools?: unknown[]): string {
  const { text: prompt, trusted } = renderPrompt(createTemplate(source), tokenizer, messages, { now, tools });
  let marked = "";
  for (let i = 0; i < prompt.length; i++) {
    marked += trusted.some(([start, end]) => start <= i && i < end) ? prompt[i] : "·";
  }
  return marked;
}

describe("what counts as a stranger's", () => {
  it.each<[string, ChatMessage[], unknown[] | undefined, string]>([
    ["a user's content", [{ role: "user", content: "<" }], undefined, '[{"role": "user", "content": "·"}]'],
    [
      "a user's parts",
      [{ role: "user", content: [{ type: "text", text: "<" }] }],
      undefined,
      '[{"role": "user", "content": [{"type": "text", "text": "·"}]}]',
    ],
    [
      "other members of a user's message",
      [{ role: "user", content: "", name: "<", more: { "<": "a<" } }],
      undefined,
      '[{"role": "user", "content": "", "name": "·", "more": {"·": "a·"}}]',
    ],
    [
      "a tool's content and name",
      [{ role: "tool", content: "<", name: "<" }],
      undefined,
      '[{"role": "tool", "content": "·", "name": "·"}]',
    ],
    ["tool definitions, keys and all", [{ role: "system", content: "" }], [{ "<k": "<" }, "<"], '[{"·k": "·"}, "·"]'],
    [
      "an assistant's calls",
      [
        {
          role: "assistant",
          content: "<",
          tool_calls: [{ id: "<", function: { name: "<", arguments: { "<": "<" } } }],
        },
      ],
      undefined,
      '"content": "<", "tool_calls": [{"id": "·", "function": {"name": "·", "arguments": {"·": "·"}}}]}]',
    ],
    [
      "nothing of system and assistant",
      [
        { role: "system", content: "<" },
        { role: "assistant", content: "<", thinking: "<" },
      ],
      undefined,
      '[{"role": "system", "content": "<"}, {"role": "assistant", "content": "<", "thinking": "<"}]',
    ],
  ])("%s", (_, messages, tools, expected) => {
    expect(shown("{# tool_calls #}{{ messages | tojson }}{{ tools | tojson }}", messages, tools)).toContain(expected);
  });
});

describe("a template's way with a stranger's text", () => {
  const user = (content: string, ...more: ChatMessage[]): ChatMessage[] => [{ role: "user", content }, ...more];
  const c = "messages[0].content";

  it.each([
    ["trims", `{{ ${c} | trim }}{{ ${c}.strip() }}`, user(" <think> "), "·think>·think>"],
    ["slices by length", `{{ ${c}[:(${c} | length) - 1] }}`, user("<think>"), "·think"],
    ["splits", `{{ ${c}.split('|') | join('+') }}`, user("<|im_end|>"), "·+im_end+>"],
    ["writes as Python", "{{ [messages[0].content] }}", user("'<think>"), '["\'·think>"]'],
    [
      "asks for other text",
      `{{ 'a' in ${c} }}{{ ${c}.startswith('b') }}${"{{ " + c + " }}"}`,
      user("ba<think>"),
      "TrueTrueba·think>",
    ],
    ["joins two", `{{ ${c} }}{{ messages[1].content }}`, user("<|im_", ...user("end|>")), "·|im_end|>"],
    ["ends it", `{{ ${c} }}end|>`, user("<|im_"), "·|im_end|>"],
    ["begins it", `{{ "<" ~ ${c} ~ ">" }}<{{ ${c} }}>`, user("think"), "<·hink><·hink>"],
    ["upper", `{{ ${c} | upper }}`, user("<think>"), "·THINK>"],
    ["takes its line breaks", `{{ ${c}.replace("\n", "") }}`, user("<|im_\nend|>"), "·|im_end|>"],
    [
      "asks for a tag",
      `{% if ${c}.startswith('<t>') %}{{ ${c} }}{% endif %}</think>`,
      user("<t><think>"),
      "<t>·think></think>",
    ],
    ["takes what looks like a token", `{{ ${c}.split('</think>')[-1] }}</think>`, user("<b</think>c"), "c</think>"],
  ])("%s", (_, source, messages, expected) => {
    expect(shown(source, messages)).toBe(expected);
  });

  it.each([
    ["makes a control string by leaving out text", `{{ ${c}.replace('<b>', '') }}`, "<|im_<b>end|>"],
    ["writes escapes for what is not ASCII", `{{ ${c} | tojson(ensure_ascii=true) }}`, "<think>"],
    ["looks for the control string itself", `{{ 'yes' if '<think>' in ${c} }}{{ ${c} }}`, "<think>"],
    ["raises for what stands in", `{{ ${c} if '<' in ${c} else raise_exception('no') }}`, "<think>"],
  ])("is refused when it %s, unless all is to count", (_, source, content) => {
    const template = createTemplate(source);
    expect(() => renderPrompt(template, tokenizer, user(content))).toThrow(ChatError);
    expect(() => renderPrompt(template, tokenizer, user(content))).toThrow('parseSpecial: "all"');
    const { text: prompt, trusted } = renderPrompt(template, tokenizer, user(content), { parseSpecial: "all" });
    expect(trusted).toEqual([[0, prompt.length]]);
  });

  it("stays as it is when it looks for the beginning of a control string that is none", () => {
    expect(shown(`{{ 'yes' if '<' in ${c} }}{{ ${c} }}`, user("a < b"))).toBe("yesa < b");
  });

  it("may write characters that would stand in", () => {
    const arrows = String.fromCharCode(...Array.from({ length: 300 }, (_, i) => 0x2900 + i));
    expect(shown(`{{ ${c} }}`, user(`${arrows}<think>`))).toBe(`${arrows}·think>`);
  });
});

it("arguments keep the order and the numbers of their JSON text", () => {
  const args = '{"z": 1, "10": 2.0, "2": 1e-5, "a": {"9": 18446744073709551615, "1": null}, "b": "<"}';
  const call = { function: { name: "f", arguments: args } };
  const messages: ChatMessage[] = [{ role: "assistant", tool_calls: [call] }];
  expect(shown("{{ messages[0].tool_calls[0]['function'].arguments }}", messages)).toBe(
    "{'z': 1, '10': 2.0, '2': 1e-05, 'a': {'9': 18446744073709551615, '1': None}, 'b': '·'}",
  );
});

it("escapes in arguments that come as JSON text hide no control string", () => {
  const call = { function: { name: "f", arguments: '{"a": "\\u003c|im_end|>"}' } };
  const messages: ChatMessage[] = [{ role: "assistant", tool_calls: [call] }];
  expect(shown("{{ messages[0].tool_calls[0]['function'].arguments }}", messages)).toBe("{'a': '·|im_end|>'}");
  expect(shown("{{ messages[0].content }}", messages)).toContain("·|im_end|>");
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
  const { cases } = parseExactJson(golden("text/chats.json"), { keepOrder: true }) as { cases: Case[] };
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
        expect(rendered).toBe(texts[which]);
      }
    });
  }
});
