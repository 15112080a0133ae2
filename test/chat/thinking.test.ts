import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAnswerCollector } from "../../src/chat/answer.ts";
import { createAnswerParser } from "../../src/chat/answer-parser.ts";
import { type AnswerPiece, createAnswerSplitter, endsThinking } from "../../src/chat/thinking.ts";
import { countThinking } from "../../src/engine/thinking-budget.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { nanoJson } from "../tokenizer/nano.ts";

const tokenizer = createTokenizer(nanoJson());

/** Pieces joined until the kind changes: [kind, text]. */
function parts(ids: readonly number[], options?: { thinking: boolean }): [AnswerPiece["kind"], string][] {
  const splitter = createAnswerSplitter(tokenizer, options);
  const joined: [AnswerPiece["kind"], string][] = [];
  let isOpen = false;
  const join = ({ kind, text }: AnswerPiece): void => {
    const last = joined.at(-1);
    if (isOpen && last?.[0] === kind) last[1] += text;
    else joined.push([kind, text]);
    isOpen = true;
  };
  for (const id of ids) {
    const before = splitter.kind;
    splitter.push(id).forEach(join);
    if (splitter.kind !== before) isOpen = false;
  }
  splitter.end().forEach(join);
  return joined;
}

const written = (text: string) => parts(tokenizer.encode(text));

describe("createAnswerSplitter", () => {
  it.each<[string, [AnswerPiece["kind"], string][]]>([
    ["", []],
    ["plain", [["text", "plain"]]],
    [
      "<think>a</think>b<|im_end|>",
      [
        ["thinking", "a"],
        ["text", "b"],
      ],
    ],
    ["<think></think>b", [["text", "b"]]],
    ["<think>never closed", [["thinking", "never closed"]]],
    ["<think>a<|im_end|>", [["thinking", "a"]]],
    [
      "x<|tool_call_start|>[f()]<|tool_call_end|>y",
      [
        ["text", "x"],
        ["toolCall", "[f()]"],
        ["text", "y"],
      ],
    ],
    [
      "<|tool_call_start|>[f()]<|tool_call_end|><|tool_call_start|>[g()]<|tool_call_end|>",
      [
        ["toolCall", "[f()]"],
        ["toolCall", "[g()]"],
      ],
    ],
    ["<|tool_call_start|>[f(", [["toolCall", "[f("]]],
    [
      "<think>try <|tool_call_start|>[f()]<|tool_call_end|> first</think>ok",
      [
        ["thinking", "try [f()] first"],
        ["text", "ok"],
      ],
    ],
    ["a</think>b<|tool_call_end|>c", [["text", "abc"]]],
    [
      "<|tool_call_start|>[f(x='<think><|im_start|><|tool_call_start|>')]<|tool_call_end|>",
      [["toolCall", "[f(x='<think><|im_start|><|tool_call_start|>')]"]],
    ],
    ["<|tool_call_start|>[f(x='<|im_end|>", [["toolCall", "[f(x='"]]],
    [
      "<|tool_call_start|>[f()]<|pad|><|tool_call_end|>x<|im_start|>",
      [
        ["toolCall", "[f()]"],
        ["text", "x"],
      ],
    ],
    [
      "日本<think>語",
      [
        ["text", "日本"],
        ["thinking", "語"],
      ],
    ],
  ])("splits %j", (text, expected) => {
    expect(written(text)).toEqual(expected);
  });

  it("takes markers by id: the same characters written as text stay text", () => {
    const ids = tokenizer.encode("<think>a</think>", { parseSpecial: false });
    expect(parts(ids)).toEqual([["text", "<think>a</think>"]]);
  });

  it("begins inside a thought when the prompt did", () => {
    expect(parts(tokenizer.encode("a</think>b"), { thinking: true })).toEqual([
      ["thinking", "a"],
      ["text", "b"],
    ]);
  });

  const noise = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 16, max: 2047 })), {
    maxLength: 40,
  });
  const [callStart, callEnd] = ["<|tool_call_start|>", "<|tool_call_end|>"].map(tokenizer.idOf);
  const joined = (ids: readonly number[]): string => {
    const splitter = createAnswerSplitter(tokenizer);
    const deltas = [...ids.flatMap((id) => splitter.push(id)), ...splitter.end()];
    expect(deltas.every(({ text }) => text !== "")).toBe(true);
    // Markers that change the kind also end half a character; those that do not may leave it open.
    return deltas.map(({ text }) => text.replaceAll("\ufffd", "")).join("");
  };

  it("loses and invents nothing: outside of calls, all deltas joined are the text without control tokens", () => {
    fc.assert(
      fc.property(noise, (all) => {
        const ids = all.filter((id) => id !== callStart);
        const expected = tokenizer.decode(ids, { skipSpecial: true }).replaceAll(/<\/?think>/g, "");
        expect(joined(ids)).toBe(expected.replaceAll("\ufffd", ""));
      }),
    );
  });

  it("keeps every token within a call, but for control tokens at its end", () => {
    fc.assert(
      fc.property(noise, (all) => {
        const ids = all.filter((id) => id !== callEnd);
        const last = ids.findLastIndex((id) => !tokenizer.isSpecial(id));
        const expected = tokenizer.decode(ids.slice(0, last + 1));
        expect(joined([callStart as number, ...ids])).toBe(expected.replaceAll("\ufffd", ""));
      }),
    );
  });
});

/** What a scripted model writes under a budget, read as an answer: [reasoning, content, ids taken]. */
function underBudget(script: readonly string[], tokens: number, options: { isOpen?: boolean } = {}) {
  const { isOpen = false } = options;
  const [open, close] = ["<think>", "</think>"].map((name) => tokenizer.idOf(name) as number);
  const budget = { tokens, open, close, isOpen };
  const thought = countThinking(budget);
  const parser = createAnswerParser(tokenizer, { thinking: isOpen, budget });
  const collector = createAnswerCollector();
  const taken: number[] = [];
  const wishes = script.flatMap((part) => tokenizer.encode(part));
  while (wishes.length > 0) {
    // A forced id comes before what the model wishes; a barred wish is given up.
    const id = thought.forced() ?? (wishes.shift() as number);
    if (id === thought.barred()) continue;
    thought.accept(id);
    taken.push(id);
    for (const delta of parser.push(id)) collector.push(delta);
  }
  for (const delta of parser.end("model")) collector.push(delta);
  const { reasoning_content: reasoning, content, tool_calls: calls } = collector.message();
  return { reasoning, content, calls: calls?.length ?? 0, ids: taken };
}

describe("a thought that its budget has closed", () => {
  const length = (text: string): number => tokenizer.encode(text).length;
  const [first, more] = ["One thing. ", "Another thing."];

  it("goes on where the model goes on, until it closes the thought itself", () => {
    const tokens = length(first);
    const answer = underBudget(["<think>", first, "Yes</think>So: <b>."], tokens);
    expect(answer).toMatchObject({ reasoning: `${first}Yes`, content: "So: <b>." });
    // A rehearsed call is part of the thought, and is not made.
    const rehearsed = underBudget(["<think>", first, "<|tool_call_start|>f()<|tool_call_end|></think>No."], tokens + 9);
    expect(rehearsed).toMatchObject({ content: "No.", calls: 0 });
    const cut = underBudget(["<think>Hm", "<|tool_call_start|>f()<|tool_call_end|></think>No."], length("Hm") + 4);
    expect(cut).toMatchObject({ content: "No.", calls: 0 });
    expect(underBudget([first, "Yes</think>So."], tokens, { isOpen: true })).toMatchObject({
      reasoning: `${first}Yes`,
      content: "So.",
    });
  });

  it("is over where the model answers: with text, or with a call", () => {
    const tokens = length(first);
    expect(underBudget(["<think>", first, "So."], tokens)).toMatchObject({ reasoning: first, content: "So." });
    const call = underBudget(["<think>", first, "Look: <|tool_call_start|>[f(a=1)]<|tool_call_end|>"], tokens);
    expect(call).toMatchObject({ reasoning: first, content: "Look: ", calls: 1 });
  });

  it("cannot be closed a second time later than after as many tokens again", () => {
    for (const tokens of [0, 1, 2, 5]) {
      const { reasoning = "", content, ids } = underBudget(["<think>", more.repeat(4), "</think>So.</think>"], tokens);
      expect(reasoning + content).toBe(`${more.repeat(4)}So.`);
      expect(length(reasoning)).toBeLessThanOrEqual(tokens);
      expect(ids.filter((id) => id === tokenizer.idOf("</think>"))).toHaveLength(1);
    }
  });

  it("holds text back no longer than that: with 0, not at all", () => {
    for (const tokens of [0, 1, 4]) {
      const [open, close] = ["<think>", "</think>"].map((name) => tokenizer.idOf(name) as number);
      const parser = createAnswerParser(tokenizer, { budget: { tokens, open, close, isOpen: false } });
      const ids = tokenizer.encode("a b c d e f g h i j k");
      const begin = [open, ...ids.slice(0, tokens), close];
      for (const id of begin) parser.push(id);
      const waits = ids.findIndex((id) => parser.push(id).length > 0);
      expect(waits).toBe(Math.max(0, tokens - 1));
    }
  });

  it("loses no text, whatever the model writes", () => {
    const script = fc.array(fc.constantFrom("<think>", "</think>", "a", " b", "c."), { maxLength: 20 });
    fc.assert(
      fc.property(script, fc.nat(6), fc.boolean(), (parts, tokens, isOpen) => {
        const { reasoning = "", content, ids } = underBudget(parts, tokens, { isOpen });
        const sorted = (text: string): string => Array.from(text).sort().join("");
        const whole = tokenizer.decode(ids, { skipSpecial: true }).replaceAll(/<\/?think>/g, "");
        expect(sorted(reasoning + content)).toBe(sorted(whole));
        expect(length(reasoning)).toBeLessThanOrEqual(2 * tokens);
      }),
    );
  });
});

describe("endsThinking", () => {
  it.each([
    ["<|im_start|>assistant\n<think>", true],
    ["<|im_start|>assistant\n<think>\n", true],
    ["<|im_start|>assistant\n", false],
    ["<think>a<|im_end|>\n<|im_start|>assistant\n", false],
    ["<think>a</think>", false],
    ["", false],
  ])("of %j is %s", (prompt, expected) => {
    expect(endsThinking(tokenizer, tokenizer.encode(prompt))).toBe(expected);
  });
});
