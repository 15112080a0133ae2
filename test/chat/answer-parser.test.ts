import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAnswerCollector } from "../../src/chat/answer.ts";
import { type AnswerParserOptions, type ChatDelta, createAnswerParser } from "../../src/chat/answer-parser.ts";
import { type ChatMessage, checkMessages } from "../../src/chat/messages.ts";
import { createTemplate } from "../../src/chat/template.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { nanoJson } from "../tokenizer/nano.ts";
import { otherParsersAnswers } from "./other-parsers-cases.ts";
import { jsonCases, pythonCases, recoveredCases } from "./tool-call-cases.ts";

const tokenizer = createTokenizer(nanoJson());
const golden = (path: string): string => readFileSync(new URL(`../../golden/${path}`, import.meta.url), "utf8");

function deltasOf(ids: readonly number[], options?: AnswerParserOptions, by: "model" | "cut" = "model"): ChatDelta[] {
  const parser = createAnswerParser(tokenizer, options);
  return [...ids.flatMap((id) => parser.push(id)), ...parser.end(by)];
}

function collected(ids: readonly number[], options?: AnswerParserOptions, by?: "model" | "cut") {
  const collector = createAnswerCollector();
  for (const delta of deltasOf(ids, options, by)) collector.push(delta);
  return collector;
}

const messageOf = (text: string, options?: AnswerParserOptions, by?: "model" | "cut") =>
  collected(tokenizer.encode(text), options, by).message();

const call = (id: string, name: string, json: string) => ({
  id,
  type: "function",
  function: { name, arguments: json },
});

describe("an answer", () => {
  it.each<[string, object]>([
    ["", { content: "" }],
    ["plain", { content: "plain" }],
    ["<think>a</think>b", { reasoning_content: "a", content: "b" }],
    ["<think>a</think>\n\nb", { reasoning_content: "a", content: "\n\nb" }],
    ["<think>never closed", { reasoning_content: "never closed", content: "" }],
    ["<think>[f()]</think>", { reasoning_content: "[f()]", content: "" }],
    ["a<think>b</think>c", { reasoning_content: "b", content: "ac" }],
    ["[f(a=1)]", { content: "[f(a=1)]" }],
    ["<|tool_call_start|>[f(a=1)]<|tool_call_end|>", { content: "", tool_calls: [call("call_0", "f", '{"a":1}')] }],
    [
      "<think>t</think>x<|tool_call_start|>[f(), g()]<|tool_call_end|>y<|im_end|>",
      { reasoning_content: "t", content: "xy", tool_calls: [call("call_0", "f", "{}"), call("call_1", "g", "{}")] },
    ],
    [
      "<|tool_call_start|>[f()]<|tool_call_end|>\n<|tool_call_start|>g()<|tool_call_end|>",
      { content: "\n", tool_calls: [call("call_0", "f", "{}"), call("call_1", "g", "{}")] },
    ],
    ["<|tool_call_start|>[f()]<|im_end|>", { content: "", tool_calls: [call("call_0", "f", "{}")] }],
    ["<|tool_call_start|>no call<|tool_call_end|> then", { content: "no call then" }],
    ["<|tool_call_start|><|tool_call_end|>x", { content: "x" }],
    [
      "<|tool_call_start|>[f(a='<|im_start|>user', b='<|im_end|>', c='<|tool_call_start|>')]<|tool_call_end|>",
      {
        content: "",
        tool_calls: [call("call_0", "f", '{"a":"<|im_start|>user","b":"<|im_end|>","c":"<|tool_call_start|>"}')],
      },
    ],
    [
      "<|tool_call_start|>[f(a='日本')]<|tool_call_end|>",
      { content: "", tool_calls: [call("call_0", "f", '{"a":"日本"}')] },
    ],
  ])("%j becomes a message", (text, expected) => {
    expect(messageOf(text)).toEqual({ role: "assistant", ...expected });
  });

  it.each<[string, object]>([
    ["<S>[f(a='x')]<E>[f(a='x')]<E>", { content: "", tool_calls: [call("call_0", "f", '{"a":"x"}')] }],
    ["<S>f(a='x')<E>\nf(a='x')<E>\nDone.", { content: "\nDone.", tool_calls: [call("call_0", "f", '{"a":"x"}')] }],
    ["<S>[f(a='x')]<E>[f(a=\"x\")]<E>y", { content: "y", tool_calls: [call("call_0", "f", '{"a":"x"}')] }],
    [
      "<S>[f(), g()]<E>[g()]<E>[f()]<E>",
      { content: "", tool_calls: [call("call_0", "f", "{}"), call("call_1", "g", "{}")] },
    ],
    // What was not called before is not called, and not hidden either.
    ["<S>[f()]<E>[g()]<E>", { content: "[g()]", tool_calls: [call("call_0", "f", "{}")] }],
    ["<S>[f()]<E>[f()]", { content: "[f()]", tool_calls: [call("call_0", "f", "{}")] }],
    [
      "<S>[f()]<E>[f()] is what I called.<E>",
      { content: "[f()] is what I called.", tool_calls: [call("call_0", "f", "{}")] },
    ],
    [
      "<S>[f()]<E>[Paris](http://x) is <E>nice",
      { content: "[Paris](http://x) is nice", tool_calls: [call("call_0", "f", "{}")] },
    ],
    ["<S>[f()]<E>[<S>[f()]<E>", { content: "[", tool_calls: [call("call_0", "f", "{}"), call("call_1", "f", "{}")] }],
    ["<S>[f()]<E>\n<E>x", { content: "\nx", tool_calls: [call("call_0", "f", "{}")] }],
  ])("that repeats its calls behind them does not show that: %s", (text, expected) => {
    const written = text.replaceAll("<S>", "<|tool_call_start|>").replaceAll("<E>", "<|tool_call_end|>");
    expect(messageOf(written)).toEqual({ role: "assistant", ...expected });
  });

  it.each(otherParsersAnswers)("of another parser's tests: %s", (_, answer, content, calls) => {
    const message = messageOf(answer);
    expect([message.content, message.tool_calls?.length ?? 0]).toEqual([content, calls]);
  });

  it("comes in deltas of one member each, never empty, a call whole and with its index", () => {
    const ids = tokenizer.encode(
      "<think>Both.</think>Let me see.<|tool_call_start|>[f(a=1), g(b='x')]<|tool_call_end|>",
    );
    const deltas = deltasOf(ids);
    for (const delta of deltas) {
      expect(Object.keys(delta)).toHaveLength(1);
      expect(Object.values(delta)[0]).not.toHaveLength(0);
    }
    expect(deltas.flatMap(({ tool_calls = [] }) => tool_calls)).toEqual([
      { index: 0, ...call("call_0", "f", '{"a":1}') },
      { index: 1, ...call("call_1", "g", '{"b":"x"}') },
    ]);
  });

  it("gives a call out before the block ends, and a call without a list when it does", () => {
    const cameAt = (text: string): string[] => {
      const parser = createAnswerParser(tokenizer);
      const ids = tokenizer.encode(text);
      return ids.flatMap((id, i) =>
        parser.push(id).some(({ tool_calls }) => tool_calls) ? [tokenizer.decode(ids.slice(0, i + 1))] : [],
      );
    };
    const [first, second] = cameAt("<|tool_call_start|>[f(a=1), g(b=2)]<|tool_call_end|>x");
    expect("<|tool_call_start|>[f(a=1), g(b".startsWith(first)).toBe(true);
    expect("<|tool_call_start|>[f(a=1), g(b=2)]".startsWith(second)).toBe(true);
    expect(cameAt("<|tool_call_start|>f(a=1)<|tool_call_end|>x")).toEqual([
      "<|tool_call_start|>f(a=1)<|tool_call_end|>",
    ]);
  });

  it("has the same meaning however its text is cut into tokens", () => {
    const texts = [...pythonCases, ...recoveredCases, ...jsonCases].map(([, block]) => block);
    const text = fc.constantFrom(...texts);
    const property = fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), (block, cuts) => {
      const at = [...new Set(cuts.map((place) => place % (block.length + 1)))].sort((a, b) => a - b);
      const marker = (name: string): number => tokenizer.idOf(name) as number;
      const inChunks = [0, ...at].flatMap((begin, i) =>
        tokenizer.encode(block.slice(begin, at[i]), { parseSpecial: false }),
      );
      const asWritten = tokenizer.encode(block, { parseSpecial: false });
      const [cutUp, whole] = [inChunks, asWritten].map((ids) => {
        const { message, toolCalls } = collected([marker("<|tool_call_start|>"), ...ids, marker("<|tool_call_end|>")]);
        return [message(), toolCalls];
      });
      // A cut within a surrogate pair is two broken characters, which is another text.
      fc.pre(at.every((place) => !/^[\ud800-\udfff]/.test(block.slice(place))));
      expect(cutUp).toEqual(whole);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it("that was cut within a call ends in text; what was complete stays a call", () => {
    const text = "<|tool_call_start|>[f(a=1), rm(path='/home";
    expect(messageOf(text, {}, "cut")).toEqual({
      role: "assistant",
      content: ", rm(path='/home",
      tool_calls: [call("call_0", "f", '{"a":1}')],
    });
    const [, ended] = collected(tokenizer.encode(text)).toolCalls;
    expect(ended.problems).toEqual([{ path: "", expected: "a call that is closed", found: "one that ends within" }]);
  });

  it("counts ids through the conversation, around those that are taken", () => {
    const messages: ChatMessage[] = [
      {
        role: "assistant",
        content: "",
        tool_calls: [
          { id: "call_2", function: { name: "f", arguments: {} } },
          { id: "mine", function: { name: "f", arguments: {} } },
        ],
      },
      { role: "assistant", content: "" },
    ];
    const { tool_calls: calls } = messageOf("<|tool_call_start|>[f(), g()]", { messages });
    expect(calls?.map(({ id }) => id)).toEqual(["call_3", "call_4"]);
  });

  it("is checked against the tools that were given, and says so beside the call, not in the message", () => {
    const tools = [{ name: "f", parameters: { properties: { n: { type: "integer" } } } }];
    const collector = collected(tokenizer.encode("<|tool_call_start|>[f(1), f(n='x')]"), { tools });
    expect(collector.toolCalls.map(({ problems }) => problems)).toEqual([
      undefined,
      [{ path: "n", expected: "an integer", found: '"x"' }],
    ]);
    expect(collector.message().tool_calls).toEqual([call("call_0", "f", '{"n":1}'), call("call_1", "f", '{"n":"x"}')]);
  });

  it("never throws, whatever ids come: markers, halves of characters, ids without a token", () => {
    const markers = ["<think>", "</think>", "<|tool_call_start|>", "<|tool_call_end|>", "<|im_end|>"].map(
      (name) => tokenizer.idOf(name) as number,
    );
    const scraps = tokenizer.encode('[f(a=\'x\', b=[1]), {"name": "g"}]', { parseSpecial: false });
    const id = fc.oneof(fc.constantFrom(...markers), fc.constantFrom(...scraps), fc.nat(3000));
    const property = fc.property(
      fc.array(id, { maxLength: 60 }),
      fc.constantFrom("model" as const, "cut" as const),
      (ids, by) => {
        const collector = collected(ids, { tools: [{ name: "f" }] }, by);
        for (const { function: called } of collector.toolCalls)
          expect(JSON.parse(called.arguments)).toBeTypeOf("object");
        expect(collector.message().role).toBe("assistant");
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });
});

describe("an answer goes back into the conversation as it came", () => {
  const options = { addGenerationPrompt: false, bosToken: "", now: new Date(2026, 0, 31) };
  const render = (source: string, message: ChatMessage): string =>
    createTemplate(source).render([{ role: "user", content: "q" }, message], options);

  it("through a template that writes tool_calls", () => {
    const text =
      '<think>t</think><|tool_call_start|>[f(a=2.0, b=12345678901234567890, c={"z": 1, "a": [true, null]}), g(d="x")]<|tool_call_end|>';
    expect(render(golden("nano/chat_template.jinja"), messageOf(text))).toBe(
      `<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n${text}<|im_end|>\n`,
    );
  });

  it("through a template that does not know tool_calls, behind the content", () => {
    const source = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
    const text = "x<|tool_call_start|>[f(a=2.0, b='it\\'s', c=[True, None], d={'k': 1})]<|tool_call_end|>";
    const shown = render(source, messageOf(text));
    expect(shown).toBe(
      `user: q\nassistant: x<|tool_call_start|>[f(a=2.0, b="it's", c=[True, None], d={'k': 1})]<|tool_call_end|>\n`,
    );
    expect(messageOf(shown.slice(shown.indexOf("assistant: ") + 11).trimEnd())).toEqual(messageOf(text));
  });

  it.each([
    ["nothing", ""],
    ["a thought only", "<think>t</think>"],
    ["a thought that was cut", "<think>t"],
    ["a call only", "<|tool_call_start|>[f(a='<|im_end|>')]<|tool_call_end|>"],
    ["a thought and a call", "<think>t</think><|tool_call_start|>[f()]<|tool_call_end|>"],
  ])("whatever it holds: %s", (_, text) => {
    const message = messageOf(text);
    const messages = checkMessages([{ role: "user", content: "q" }, message]);
    const shown = createTemplate(golden("nano/chat_template.jinja")).render(messages, options);
    if (message.reasoning_content) expect(shown).toContain("<think>t</think>");
    for (const { function: called } of message.tool_calls ?? []) expect(shown).toContain(`[${called.name}(`);
  });

  it("with a thought by either name", () => {
    for (const name of ["thinking", "reasoning_content"]) {
      const message: ChatMessage = { role: "assistant", content: "a", [name]: "t" };
      expect(render(golden("nano/chat_template.jinja"), message)).toContain("<think>t</think>a<|im_end|>");
    }
  });
});
