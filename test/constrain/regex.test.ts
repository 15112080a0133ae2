// Patterns as machines, against JavaScript's own.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newBudget } from "../../src/constrain/budget.ts";
import { ConstraintError } from "../../src/constrain/error.ts";
import type { Machine } from "../../src/constrain/text/machine.ts";
import { parseRegex } from "../../src/constrain/text/regex.ts";
import { regexMachine } from "../../src/constrain/text/regex-machine.ts";
import { from, regex, schema, takes, write } from "./harness.ts";

function matches({ edges, accepting }: Machine, text: string): boolean {
  let state = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    const edge = edges[state].find(({ on }) => on.some(([low, high]) => low <= code && code <= high));
    if (edge === undefined) return false;
    state = edge.to;
  }
  return accepting[state];
}

const machineOf = (pattern: string, whole: boolean) =>
  regexMachine(parseRegex(pattern, "pattern"), "pattern", newBudget(), { whole });

const atom = fc.constantFrom(
  ...["a", "b", "1", " ", "é", "😀", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", ".", "\\.", "\\n", "\\t", "\\x41"],
  ...[
    "\\u00e9",
    "\\u{1F600}",
    "\\ud83d\\ude00",
    "\\cJ",
    "\\0",
    "\\/",
    "[ab]",
    "[^ab]",
    "[a-c1-3]",
    "[^\\d\\s]",
    "[\\w-]",
  ],
  ...["[\\]\\\\^-]", "[é-ü😀]", "[]", "[^]", "[\\b]", "^", "$"],
);
const pattern = fc.letrec((tie) => ({
  regex: fc.oneof(
    { maxDepth: 4 },
    atom,
    fc.array(tie("regex"), { minLength: 0, maxLength: 3 }).map((parts) => parts.join("")),
    fc.tuple(tie("regex"), tie("regex")).map(([a, b]) => `(${a}|${b})`),
    fc
      .tuple(tie("regex"), fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "{0}", "{0,2}?"))
      .map(([inner, quantifier]) => `(?:${inner})${quantifier}`),
    tie("regex").map((inner) => `(?<name>${inner as string})`.replace(/\(\?<name>(?=.*\(\?<name>)/, "(")),
  ),
})).regex as fc.Arbitrary<string>;
const character = fc.constantFrom(
  "a",
  "b",
  "c",
  "1",
  "9",
  " ",
  "\n",
  "\u2028",
  "é",
  "ü",
  "😀",
  "-",
  ".",
  "A",
  "\u0000",
  "\\",
  "]",
);
const text = fc.array(character, { maxLength: 6 }).map((all) => all.join(""));

/** Without groups of the same name, which JavaScript refuses. */
const valid = pattern.filter((found) => {
  try {
    new RegExp(found, "u");
    return true;
  } catch {
    return false;
  }
});

describe("a pattern", () => {
  it("matches whole texts where JavaScript does", () => {
    fc.assert(
      fc.property(valid, fc.array(text, { minLength: 10, maxLength: 10 }), (pattern, texts) => {
        const machine = machineOf(pattern, true);
        const expected = new RegExp(`^(?:${pattern})$`, "u");
        for (const text of texts) expect([text, matches(machine, text)]).toEqual([text, expected.test(text)]);
      }),
      { numRuns: 2000 },
    );
  });

  it("matches somewhere in texts where JavaScript does", () => {
    fc.assert(
      fc.property(valid, fc.array(text, { minLength: 10, maxLength: 10 }), (pattern, texts) => {
        const machine = machineOf(pattern, false);
        const expected = new RegExp(pattern, "u");
        for (const text of texts) expect([text, matches(machine, text)]).toEqual([text, expected.test(text)]);
      }),
      { numRuns: 2000 },
    );
  });

  it("has JavaScript's classes, over all of Unicode", () => {
    for (const name of ["\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "."]) {
      const machine = machineOf(name, true);
      const expected = new RegExp(`^${name}$`, "u");
      const wrong: number[] = [];
      for (let code = 0; code <= 0x10ffff; code += code > 0x3100 ? 61 : 1) {
        if (code >= 0xd800 && code <= 0xdfff) continue;
        const text = String.fromCodePoint(code);
        if (matches(machine, text) !== expected.test(text)) wrong.push(code);
      }
      expect([name, wrong]).toEqual([name, []]);
    }
  });

  it("is followed byte by byte: matching texts are taken, others are not", () => {
    fc.assert(
      fc.property(valid, text, (pattern, text) => {
        const expected = new RegExp(`^(?:${pattern})$`, "u").test(text);
        try {
          expect(takes(regex(pattern), text)).toBe(expected);
        } catch (error) {
          // "a^": no text at all.
          expect((error as Error).message).toMatch(/^pattern: expected one that some text of finite length satisfies/);
          expect(expected).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is matched by all that is written under it", () => {
    const patterns = [
      "(foo|bar)+[0-9]{2,4}",
      "[^a-z]{3}é?",
      "\\w{1,9}@\\w{2}\\.(?:com|org)",
      "[A-Z]{2}\\d{2}( \\w{4}){2,4}",
      "[^]{1,9}",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...patterns), fc.infiniteStream(fc.nat()), (pattern, numbers) => {
        const written = write(regex(pattern), from(numbers));
        expect(written).toMatch(new RegExp(`^(?:${pattern})$`, "u"));
        const quoted = write(schema({ type: "string", pattern, maxLength: 60 }), from(numbers));
        expect(JSON.parse(quoted as string)).toMatch(new RegExp(pattern, "u"));
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ["a(?=b)", 'a look-around at character 1, "(?=b)"'],
    ["(?<!b)a", "a look-around at character 0"],
    ["(a)\\1", "a back reference at character 3"],
    ["(?<n>a)\\k<n>", "a back reference at character 7"],
    ["\\bword\\b", "a word boundary at character 0"],
    ["\\p{L}+", "a Unicode property at character 0"],
    ["[a\\P{L}]", "a Unicode property at character 2"],
    [`${"(".repeat(101)}a${")".repeat(101)}`, "groups nested deeper than 100"],
    ["(", "Unterminated group"],
    ["a\\-b", "Invalid escape"],
    ["(a|b)*a(a|b){20}", "expected an automaton of at most 20000 states"],
    ["((a{0,100}){0,100}){0,100}", "expected an automaton of at most 10000 parts"],
    ["a{1000000000}", "expected an automaton of at most 10000 parts"],
    ["a".repeat(10_001), "expected at most 10000 characters, found 10001"],
  ])("is refused by name: %s", (pattern, message) => {
    const begin = performance.now();
    expect(() => machineOf(pattern, true)).toThrow(ConstraintError);
    expect(() => machineOf(pattern, true)).toThrow(message);
    expect(performance.now() - begin).toBeLessThan(5000); // about 0.3 s where the machine is the slowest to grow
  });

  it.each([
    ["a?".repeat(2000) + "a".repeat(2000), "a".repeat(2500)],
    ["a{0,1000}a{1000}", "a".repeat(1500)],
    [`(?:${"(?:".repeat(50)}a${"|b)*".repeat(50)})c`, "abac"],
    [`(?:${Array.from({ length: 400 }, (_, i) => `word${i}`).join("|")}){1,3}`, "word3word399"],
  ])("is compiled within a second of an idle machine, however it repeats: %#", (pattern, word) => {
    const begin = performance.now();
    const machine = machineOf(pattern, true);
    expect(performance.now() - begin).toBeLessThan(5000);
    expect([matches(machine, word), matches(machine, `${word}!`)]).toEqual([true, false]);
  });

  it("has a budget, the same on every machine", () => {
    expect(() => machineOf("a?".repeat(2900) + "a".repeat(2900), true)).toThrow(
      "pattern: expected what can be compiled within 33554432 steps, found more.",
    );
    const many = (count: number) =>
      schema({
        type: "object",
        properties: Object.fromEntries(
          Array.from({ length: count }, (_, i) => [`p${i}`, { pattern: `a{0,${900 + i}}a{900}` }]),
        ),
      });
    expect(() => takes(many(40), "")).toThrow(
      /^schema\.properties\.p\d+\.pattern: expected what can be compiled within /,
    );
  });

  it("that would make a backtracking engine hang is a small machine", () => {
    expect(takes(regex("(a|a|a)*(a*)*b"), `${"a".repeat(200)}b`)).toBe(true);
    expect(takes(regex("(a|a|a)*(a*)*b"), "a".repeat(200))).toBe(false);
  });
});
