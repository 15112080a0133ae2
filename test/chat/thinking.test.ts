import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AnswerPiece, createAnswerSplitter, endsThinking } from "../../src/chat/thinking.ts";
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
    ["<|tool_call_start|>[f(x='<think>')]<|tool_call_end|>", [["toolCall", "[f(x='')]"]]],
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

  it("loses and invents nothing: for every sequence of ids, all deltas joined are the text without control tokens", () => {
    const noise = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 16, max: 2047 })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(noise, (ids) => {
        const splitter = createAnswerSplitter(tokenizer);
        const deltas = [...ids.flatMap((id) => splitter.push(id)), ...splitter.end()];
        // Markers that change the kind also end half a character; those that do not may leave it open.
        const expected = tokenizer.decode(ids, { skipSpecial: true }).replaceAll(/<\/?think>/g, "");
        const broken = /\ufffd/g;
        expect(
          deltas
            .map(({ text }) => text)
            .join("")
            .replaceAll(broken, ""),
        ).toBe(expected.replaceAll(broken, ""));
        expect(deltas.every(({ text }) => text !== "")).toBe(true);
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
