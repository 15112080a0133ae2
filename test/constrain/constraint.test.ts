// Formats, and what stands around an answer: thoughts, stop ids.
import { describe, expect, it } from "vitest";
import { Automaton, DEAD } from "../../src/constrain/automaton.ts";
import { ConstraintError } from "../../src/constrain/error.ts";
import { choice as anyOf, sequence, symbol } from "../../src/constrain/grammar.ts";
import { GrammarBuilder } from "../../src/constrain/grammar-builder.ts";
import {
  BYTE_STOP,
  CALL,
  compile,
  constrain,
  idsOf,
  isIn,
  type Request,
  schema,
  spelled,
  THOUGHT,
  takes,
} from "./harness.ts";

const choice = (...choices: string[]): Request => ({ responseFormat: { type: "choice", choices } });
const thinking = (first: "open" | "possible" | "none", request: Request): Request => ({
  ...request,
  thought: { ...THOUGHT, first },
});

describe("a choice", () => {
  it("is one of the texts, to the letter", () => {
    const request = choice("yes", "no", "yes, but", "größer", "");
    for (const text of ["yes", "no", "yes, but", "größer", ""])
      expect([text, takes(request, text)]).toEqual([text, true]);
    for (const text of ["y", "yes,", "YES", "no "]) expect([text, takes(request, text)]).toEqual([text, false]);
  });

  it("may be among ten thousand", () => {
    const request = choice(...Array.from({ length: 10_000 }, (_, i) => `item ${i * 7919}`));
    expect(takes(request, `item ${9999 * 7919}`)).toBe(true);
    expect(takes(request, "item 1")).toBe(false);
  });
});

describe("a format of thousands of alternatives", () => {
  it("lets each of them be written, where they are values", () => {
    const values = Array.from({ length: 5000 }, (_, i) => ({ a: i, b: [`x${i}`, null] }));
    const request = schema({ enum: values });
    for (const i of [0, 4001, 4999]) {
      expect([i, takes(request, JSON.stringify(values[i]))]).toEqual([i, true]);
      expect([i, takes(request, `{"a": ${i}, "b": ["x${i}", null]}`)]).toEqual([i, true]);
    }
    expect(takes(request, '{"a": 17, "b": ["x18", null]}')).toBe(false);
    expect(takes(request, '{"a": 5000, "b": ["x5000", null]}')).toBe(false);
  });

  const same = (count: number, ...word: number[]) =>
    Array.from({ length: count }, () => sequence(...word.map((byte) => symbol(byte))));

  it("is refused where they begin at one place", () => {
    const build = (count: number) => {
      const builder = new GrammarBuilder("schema");
      const rules = same(count, 97).map((word, i) => builder.rule(`${i}`, () => word));
      return builder.build(sequence(symbol(91), anyOf(...rules)));
    };
    expect(build(8191).ends.length).toBeGreaterThan(8191);
    const refusal = "schema: expected at most 8192 alternatives at any place of the output, found more. Ask for fewer";
    expect(() => build(8193)).toThrow(ConstraintError);
    expect(() => build(8193)).toThrow(refusal);
  });

  it("ends with an error where output comes to more than are followed, and loses none before", () => {
    const begun = (count: number) => {
      const automaton = new Automaton(new GrammarBuilder("schema").build(anyOf(...same(count, 97, 98))));
      return automaton.step(automaton.first(), 97);
    };
    expect(begun(8192)).not.toBe(DEAD);
    expect(() => begun(8193)).toThrow(ConstraintError);
    expect(() => begun(8193)).toThrow("responseFormat or tools: expected at most 8192 alternatives at any place");
  });
});

describe("any JSON object", () => {
  it("is an object and nothing else", () => {
    const request: Request = { responseFormat: { type: "json_object" } };
    for (const text of ["{}", '{"a": [1, {"b": null}]}', '{\n  "a": 1\n}']) expect(takes(request, text)).toBe(true);
    for (const text of ["[]", "1", '{"a"}', "{a: 1}", " {}", "{} "])
      expect([text, takes(request, text)]).toEqual([text, false]);
  });
});

describe("a format that cannot be held to", () => {
  it.each<[string, unknown, string]>([
    [
      "no type",
      {},
      'responseFormat.type: expected "json_schema", "json_object", "regex" or "choice", found undefined.',
    ],
    ["null", null, "responseFormat.type: "],
    ["another type", { type: "xml" }, 'found "xml".'],
    ["no pattern", { type: "regex" }, "pattern: expected a string, found undefined."],
    ["no choices", { type: "choice", choices: [] }, "choices: expected a list of texts, found []."],
    [
      "choices that are no texts",
      { type: "choice", choices: ["a", 1] },
      'choices: expected a list of texts, found ["a",1].',
    ],
    [
      "half a character",
      { type: "choice", choices: ["a", "\ud83d"] },
      "choices[1]: expected text, found half a surrogate pair in it.",
    ],
    [
      "too many",
      { type: "choice", choices: Array.from({ length: 10_001 }, String) },
      "choices: expected at most 10000 texts",
    ],
  ])("is refused: %s", (_, responseFormat, message) => {
    const request = { responseFormat } as Request;
    expect(() => compile(request)).toThrow(ConstraintError);
    expect(() => compile(request)).toThrow(message);
  });
});

describe("a thought before an answer that is held to a format", () => {
  const answer = choice("42");
  const writes = (constraint: ReturnType<typeof constrain>, ids: readonly number[]): void => {
    for (const id of ids) {
      expect([id, isIn(constraint.allowed(), id)]).toEqual([id, true]);
      constraint.accept(id);
    }
  };

  it("may come first, or not at all", () => {
    const constraint = constrain(thinking("possible", answer));
    expect(idsOf(constraint.allowed(), 261)).toEqual([0x34, THOUGHT.open]);
    writes(constraint, [THOUGHT.open, ...spelled('I think {"so"} '), CALL.start, THOUGHT.close]);
    expect(idsOf(constraint.allowed(), 261)).toEqual([0x34]);
    writes(constraint, spelled("42"));
    expect(idsOf(constraint.allowed(), 261)).toEqual([BYTE_STOP]);
    const atOnce = constrain(thinking("possible", answer));
    writes(atOnce, spelled("4"));
    expect(idsOf(atOnce.allowed(), 261)).toEqual([0x32]);
  });

  it("that the prompt has begun is finished first, and the answer cannot end in it", () => {
    const constraint = constrain(thinking("open", answer));
    expect(isIn(constraint.allowed(), BYTE_STOP)).toBe(false);
    writes(constraint, [...spelled("hm"), THOUGHT.close, ...spelled("42"), BYTE_STOP]);
  });

  it("does not come where it is not wanted, nor where there are no thoughts", () => {
    expect(idsOf(constrain(thinking("none", answer)).allowed(), 261)).toEqual([0x34]);
    expect(idsOf(constrain(answer).allowed(), 261)).toEqual([0x34]);
  });

  it("holds rehearsed calls that are not held to anything, and may be the end of a free answer", () => {
    const auto: Request = { tools: [{ name: "f" }], toolChoice: "auto" };
    const constraint = constrain(thinking("possible", auto));
    writes(constraint, [THOUGHT.open, CALL.start, ...spelled("g(")]);
    expect(isIn(constraint.allowed(), BYTE_STOP)).toBe(true);
    writes(constraint, [THOUGHT.close, ...spelled("Well: "), CALL.start]);
    expect(idsOf(constraint.allowed(), 261)).toEqual(spelled("["));
    writes(constraint, [...spelled("[f()]"), CALL.end]);
    expect(constraint.allowed()).toBeUndefined();
  });
});
