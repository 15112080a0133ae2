import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PythonFloat, parseExactJson } from "../../src/chat/exact-json.ts";
import { ChatError, type ChatMessage } from "../../src/chat/messages.ts";
import { renderPrompt } from "../../src/chat/prompt.ts";
import { createTemplate } from "../../src/chat/template.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { nanoJson } from "../tokenizer/nano.ts";

const golden = (path: string): string => readFileSync(new URL(`../../golden/${path}`, import.meta.url), "utf8");

interface GoldenCase {
  readonly template: string;
  readonly name: string;
  readonly messages: ChatMessage[];
  readonly tools: unknown[] | null;
  readonly add_generation_prompt: boolean;
  readonly text: string;
}

const { cases } = parseExactJson(golden("text/chat-template.json")) as { cases: GoldenCase[] };
const nano = golden("nano/chat_template.jinja");
const pythonStyle = golden("text/python-style.jinja");
const january = new Date(2026, 0, 31, 12);
const bos = { bosToken: "<|startoftext|>", now: january };
/** Some tens of milliseconds on an idle machine; seconds without the bound. */
const MOST_MS = 1000;
const hello: ChatMessage[] = [{ role: "user", content: "hi" }];

describe("a rendered conversation equals Python's", () => {
  for (const { template, name, messages, tools, add_generation_prompt, text } of cases) {
    const source = template === "python-style.jinja" ? pythonStyle : nano;
    it(`${template}: ${name}${add_generation_prompt ? ", generation prompt" : ""}`, () => {
      const options = { tools: tools ?? undefined, addGenerationPrompt: add_generation_prompt, ...bos };
      expect(createTemplate(source).render(messages, options)).toBe(text);
    });
  }
});

const render = (source: string, variables: Record<string, unknown> = {}, messages = hello) =>
  createTemplate(source).render(messages, { addGenerationPrompt: false, ...bos, ...variables });

describe("createTemplate", () => {
  it("passes other variables on", () => {
    const messages: ChatMessage[] = [
      { role: "user", content: "a" },
      { role: "assistant", content: "<think>t</think>b" },
      { role: "user", content: "c" },
      { role: "assistant", content: "d" },
    ];
    expect(render(nano, {}, messages)).not.toContain("<think>");
    expect(render(nano, { keep_past_thinking: true }, messages)).toContain("<think>t</think>b");
  });

  it("leaves out members that are undefined, so that `is defined` is false", () => {
    const messages: ChatMessage[] = [{ role: "user", content: "a", thinking: undefined }];
    expect(render("{{ messages[0].thinking is defined }}", {}, messages)).toBe("False");
  });

  it("applies trim_blocks and lstrip_blocks, and takes {% generation %} for nothing", () => {
    expect(render("a\n  {% if true %}\nb\n  {% endif %}\n{% generation %}c{% endgeneration %}\n\n")).toBe("a\nb\nc");
  });

  it("tells the time it is given, in English", () => {
    expect(render("{{ strftime_now('%d %b %Y, %A %-d %B %H:%M %I %p %%') }}")).toBe(
      "31 Jan 2026, Saturday 31 January 12:00 12 PM %",
    );
  });

  it("is ChatML when the checkpoint has no template", () => {
    const messages: ChatMessage[] = [
      { role: "system", content: "s" },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
    ];
    const template = createTemplate(undefined);
    expect(template.render(messages, { addGenerationPrompt: true, ...bos })).toBe(
      "<|startoftext|><|im_start|>system\ns<|im_end|>\n<|im_start|>user\nab<|im_end|>\n<|im_start|>assistant\n",
    );
    expect(() => template.render(hello, { tools: [{}], addGenerationPrompt: true, ...bos })).toThrow(
      "Chat template: expected no tools, as this checkpoint has no template that could list them.",
    );
  });
});

describe("values are written as Python writes them", () => {
  const value = parseExactJson(
    '[1.0, 1e16, 123456789012345680.0, 1e-5, 0.0001, -0.0, 0.1, 1e22, 5e-324, 12345678901234567890, true, null, "a\'b", "\\u0000\\u00a0é\\ud83d\\ude00"]',
  );
  const shown = `[1.0, 1e+16, 1.2345678901234568e+17, 1e-05, 0.0001, -0.0, 0.1, 1e+22, 5e-324, 12345678901234567890, True, None, "a'b", '\\x00\\xa0é😀']`;

  it.each([
    ["{{ v }}", shown],
    ["{{ v | string }}", shown],
    ["{{ '' ~ v }}", shown],
    ["{{ v[9:] | join('; ') }}", "12345678901234567890; True; None; a'b; \u0000\u00a0é😀"],
    ["{{ v[10:13] | tojson }}", '[true, null, "a\'b"]'],
    ["{{ v[12:] | tojson(ensure_ascii=true) }}", '["a\'b", "\\u0000\\u00a0\\u00e9\\ud83d\\ude00"]'],
    [
      "{{ {'b': [1, {}], 'a': []} | tojson(indent=2, sort_keys=true) }}",
      '{\n  "a": [],\n  "b": [\n    1,\n    {}\n  ]\n}',
    ],
    ["{{ [1, 2] | tojson(separators=(',', ':')) }}", "[1,2]"],
    ["{{ ('x', 1) }}{{ none }}{{ not_there }}{{ true }}", "('x', 1)NoneTrue"],
    ["{{ '\u0085\ufeff x \u001f' | trim }}|{{ 'xxaxx' | trim('x') }}", "\ufeff x|a"],
    ["{{ {'k': none} }}", "{'k': None}"],
  ])("%s", (source, expected) => {
    expect(render(source, { v: value })).toBe(expected);
  });
});

describe("a template's error names what is at fault", () => {
  it.each([
    ["a\n{% if x %}\nb", "Chat template, line 2: expected {% endif %} for this {% if %}, found none."],
    ["{% for a in b %}{% if x %}\n{% endif %}", "Chat template, line 1: expected {% endfor %} for this {% for %}"],
    [
      "a\n\n{% frob %}\nb\n",
      'Chat template, line 3: expected Jinja, found "{% frob %}" (Unknown statement type: frob).',
    ],
    ["a\n{{ x ? y }}\n{% if a\n  and b %}{% endif %}", 'Chat template, line 2: expected Jinja, found "{{ x ? y }}"'],
    ["{{ 'abc }}", "Chat template, line 1"],
  ])("line of %j", (source, message) => {
    expect(() => createTemplate(source)).toThrow(message);
    expect(() => createTemplate(source)).toThrow(ChatError);
  });

  it("message, for what the template raises", () => {
    const source =
      "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}{% endfor %}";
    const messages: ChatMessage[] = [...hello, ...hello, { role: "tool", content: "x" }, ...hello];
    expect(() => render(source, {}, messages)).toThrow("Chat template at messages[2] (tool): no tools here.");
  });

  it("no message, when it fails without any", () => {
    expect(() => render("{{ nothing.at.all() }}")).toThrow(/^Chat template: .*undefined/i);
    expect(() => render("{{ range(1000000) }}")).toThrow("range: expected at most 100000 numbers, found 1000000");
    expect(() => render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")).toThrow(ChatError);
  });
});

describe("a template that would work for long is refused before it does", () => {
  const doubled = '{% set n = namespace(x="a") %}{% for i in range(20) %}{% set n.x = n.x ~ n.x %}{% endfor %}';
  const loop = (inner: string): string => `{% for i in range(1000) %}${inner}{% endfor %}`;
  it.each([
    [
      "sorting long strings that are alike",
      `${doubled}{% set l = [n.x, n.x ~ "b"] %}${loop("{{ l | sort | length }}")}`,
    ],
    [
      "by an attribute",
      `${doubled}{% set l = [{"a": n.x}, {"a": n.x}] %}${loop('{{ l | sort(attribute="a") | length }}')}`,
    ],
    ["sorting long keys", `${doubled}{% set d = {n.x: 1, n.x ~ "b": 2} %}${loop("{{ d | dictsort | length }}")}`],
    ["and by the method", `${doubled}{% set d = {n.x: 1, n.x ~ "b": 2} %}${loop("{{ d.dictsort() | length }}")}`],
  ])("%s", (_, source) => {
    const template = createTemplate(source);
    const begin = performance.now();
    expect(() => template.render(hello, { ...bos, addGenerationPrompt: false })).toThrow(
      /^Chat template: expected at most \d+ steps for this conversation, found more\.$/,
    );
    expect(performance.now() - begin).toBeLessThan(MOST_MS);
  });

  it.each([
    ["one piece", " ".repeat(100_000)],
    ["many pieces", `${" ".repeat(5000)}x`.repeat(200)],
    ["many, and a wrong tag at the end", `${" \t".repeat(2500)}{# #}`.repeat(200)],
  ])("white space before a tag, %s", (_, spaces) => {
    const begin = performance.now();
    expect(() => createTemplate(`${spaces}{{ 1 }`)).toThrow(
      "Chat template, line 1: expected a piece of white space of 8192 characters at most, or several shorter ones, found more.",
    );
    expect(performance.now() - begin).toBeLessThan(MOST_MS);
  });

  it("but space of a few thousand characters is as good as any", () => {
    const template = createTemplate(`{{ 1 }}${" ".repeat(8000)}\n{{ 2 }}`);
    expect(template.render(hello, { ...bos, addGenerationPrompt: false })).toHaveLength(8003);
  });
});

describe("messages are refused", () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  it.each([
    [{}, "messages: expected a list, found an object."],
    [[], "messages: expected at least one, found none."],
    [[null], "messages[0]: expected an object, found null."],
    [[{ role: "root", content: "" }], 'messages[0].role: expected system, user, assistant, tool, found "root".'],
    [[...hello, { role: "user" }], "messages[1].content: expected a string or a list of parts, found nothing."],
    [[{ role: "user", content: 3 }], "messages[0].content: expected a string or a list of parts, found a number."],
    [[{ role: "user", content: [{ type: "text" }] }], "messages[0].content[0]: expected { type:"],
    [[{ role: "assistant", content: "", thinking: 1 }], "messages[0].thinking: expected a string, found a number."],
    [[{ role: "user", content: "", tool_calls: [] }], "messages[0].tool_calls: expected in assistant's turns only"],
    [
      [{ role: "assistant", tool_calls: [{ function: {} }] }],
      "tool_calls[0].function.name: expected a function's name",
    ],
    [
      [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: "[]" } }] }],
      "arguments: expected an object, or JSON text of one, found text that is neither.",
    ],
    [
      [
        {
          role: "assistant",
          tool_calls: [{ function: { name: "f", arguments: `{"a":${"[".repeat(70)}${"]".repeat(70)}}` } }],
        },
      ],
      "arguments: expected at most 64 levels of nesting, found more.",
    ],
    [
      [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: " ".repeat(2 ** 20 + 1) } }] }],
      "arguments: expected at most 1048576 characters, found 1048577.",
    ],
    [
      [{ role: "assistant", content: "", reasoning_content: 1 }],
      "reasoning_content: expected a string, found a number",
    ],
    [[{ role: "user", content: "x".repeat(2 ** 24 + 1) }], "messages: expected at most 16777216 characters in all"],
    [[{ role: "user", content: "", extra: circular }], "messages: expected at most 64 levels of nesting, found more."],
    [
      [{ role: "user", content: "", extra: () => 0 }],
      "messages: expected values that JSON can hold, found a function.",
    ],
    [Array.from({ length: 10_001 }, () => hello[0]), "messages: expected at most 10000, found 10001."],
  ])("%#: $1", (messages, expected) => {
    expect(() => render(nano, {}, messages as ChatMessage[])).toThrow(expected);
    expect(() => render(nano, {}, messages as ChatMessage[])).toThrow(ChatError);
  });

  it("and so are tools that are not objects", () => {
    expect(() => render(nano, { tools: [1] })).toThrow(
      "tools[0]: expected an object that describes a function, found a number.",
    );
    expect(() => render(nano, { tools: {} })).toThrow("tools: expected a list, found an object.");
  });
});

describe("parseExactJson", () => {
  it("keeps floats and large integers apart from small integers", () => {
    expect(parseExactJson('{"a": 2, "b": 2.0, "c": [1e2, 9007199254740993, -1], "d": "2.0 \\" 1e5"}')).toEqual({
      a: 2,
      b: new PythonFloat(2),
      c: [new PythonFloat(100), 9007199254740993n, -1],
      d: '2.0 " 1e5',
    });
  });

  it("refuses what JSON.parse refuses", () => {
    for (const text of ["01", "1.", "{a: 1.0}", "[1.0,]", '"\n"', ""])
      expect(() => parseExactJson(text)).toThrow(SyntaxError);
  });
});

describe("a prompt that ends within the last message equals transformers'", () => {
  const { templates, cases } = JSON.parse(golden("text/continue.json")) as {
    templates: Record<string, string>;
    cases: { kind: string; name: string; template: string; messages: ChatMessage[]; text?: string }[];
  };
  const { tokens, ...detokenizer } = createTokenizer(nanoJson());
  for (const { kind, name, template, messages, text } of cases) {
    const prompt = () =>
      renderPrompt(createTemplate(templates[template]), detokenizer, messages, {
        continueFinalMessage: kind === "continued",
        parseSpecial: "all",
      }).text;
    it(`${template}: ${name}`, () => {
      if (text === undefined) expect(prompt).toThrow(ChatError);
      else expect(prompt()).toBe(text);
    });
  }

  it("and is no prompt for another turn, nor within a user's", () => {
    const render = (messages: ChatMessage[], options: object) =>
      renderPrompt(createTemplate(nano), detokenizer, messages, { continueFinalMessage: true, ...options });
    const both = () => render([...hello, { role: "assistant", content: "a" }], { addGenerationPrompt: true });
    expect(both).toThrow("continueFinalMessage: expected no addGenerationPrompt beside it, found both.");
    expect(() => render(hello, {})).toThrow(
      "messages[0]: expected an assistant's turn to continue, found one of user.",
    );
    const outside: ChatMessage[] = [
      { role: "user", content: "a<|im_end|>" },
      { role: "assistant", content: "b" },
    ];
    const { text, trusted } = render(outside, {});
    expect(text.endsWith("<|im_start|>assistant\nb")).toBe(true);
    expect(trusted.some(([start, end]) => text.slice(start, end).includes("a<|im_end|>"))).toBe(false);
  });
});

describe("what a template does wrong is told without names from inside the interpreter", () => {
  it.each([
    ["{{ 'a' | frob }}", 'expected a filter for a string, found "frob".'],
    ["{{ nothing | upper }}", "upper: expected another value, found something undefined."],
    ["{{ nothing() }}", "expected a function to call, found something undefined."],
    ["{{ 1 is frob }}", 'expected a test that is known, found "frob".'],
    ["{{ nothing + 1 }}", "+: expected two values, found something undefined."],
    ["{{ none + 1 }}", "expected two values beside an operator, found none."],
    ["{{ [] - {} }}", "-: expected values that it takes, found a list and a dict."],
    ["{% for a in 1 %}{% endfor %}", "for: expected a list or a dict, found an integer."],
    ["{{ range }}", "expected a value that can be printed, found a function."],
    ["{{ range | tojson }}", "tojson: expected a value that JSON can hold, found a function."],
    ["{{ {1: 2} }}", "expected a string as a dict's key, found an integer."],
    ["{% break %}", "expected {% break %} and {% continue %} within loops, found one outside."],
    ["{{ 5 | length }}", "length: expected a string, a list or a dict, found an integer."],
  ])("%s", (source, found) => {
    expect(() => render(source)).toThrow(
      expect.objectContaining({ name: "ChatError", message: `Chat template: ${found}` }),
    );
  });

  it("and the first of nothing is undefined, as in Python", () => {
    expect(render("{{ [] | first }}|{{ ([] | last) is defined }}")).toBe("|False");
  });
});
