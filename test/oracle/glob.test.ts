import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nearNames, parseGlob, selectNames } from "../../src/oracle/glob.ts";

// As a shell with extglob and globstar has them over paths, with dots for slashes.
const cases: [glob: string, matching: string[], others: string[]][] = [
  ["lm_head", ["lm_head"], ["lm_heads", "model.lm_head", "lm.head"]],
  ["model.layers.*", ["model.layers.0", "model.layers.23"], ["model.layers", "model.layers.0.conv", "model.layersx0"]],
  ["model.layers.1.**", ["model.layers.1", "model.layers.1.conv.conv"], ["model.layers.10", "model.layers.10.conv"]],
  ["**.experts", ["experts", "model.layers.2.feed_forward.gate.experts"], ["model.experts.w1", "model.myexperts"]],
  ["**", ["lm_head", "model.layers.0.conv"], []],
  ["model.**.conv", ["model.conv", "model.layers.0.conv", "model.layers.0.conv.conv"], ["model.layers.0.xconv"]],
  ["model.layers.{0,2}.conv", ["model.layers.0.conv", "model.layers.2.conv"], ["model.layers.1.conv"]],
  [
    "model.layers.{9..11}",
    ["model.layers.9", "model.layers.10", "model.layers.11"],
    ["model.layers.8", "model.layers.1"],
  ],
  ["w?", ["w1", "w3"], ["w", "w12", "w."]],
  ["a.b", ["a.b"], ["axb"]],
  ["*.gate.*", ["x.gate.logits"], ["x.y.gate.logits", "x.gate", "x.gate.a.b"]],
];

describe("globs over names", () => {
  it.each(cases)("%s", (glob, matching, others) => {
    const pattern = parseGlob(glob);
    expect(matching.filter((name) => !pattern.test(name))).toEqual([]);
    expect(others.filter((name) => pattern.test(name))).toEqual([]);
  });

  it("match a text of letters, dots and signs exactly when it is the same text", () => {
    const text = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom(..."ab.+()[]|^$\\-") });
    fc.assert(fc.property(text, text, (a, b) => parseGlob(a).test(b) === (a === b)));
  });

  it("refuse an open brace, a range that descends, and what is longer than any name", () => {
    expect(() => parseGlob("a.{b")).toThrow('points: expected every { closed by a }, found "a.{b". Close it.');
    expect(() => parseGlob("a}")).toThrow("expected every { closed");
    expect(() => parseGlob("{3..1}")).toThrow("points: expected a range that ascends, found {3..1}. Write {1..3}.");
    expect(() => parseGlob("a".repeat(201))).toThrow("points: expected a pattern of 1 to 200 characters, found 201.");
    expect(() => parseGlob("")).toThrow("found 0");
  });

  it("take no long time over a pattern made to take one", () => {
    const begin = performance.now();
    parseGlob("*a".repeat(12)).test("a".repeat(60));
    parseGlob(`${"**.".repeat(6)}b`).test("a.".repeat(40));
    expect(performance.now() - begin).toBeLessThan(2000);
  });

  it("of two hundred characters take a name of thousands without going back", () => {
    const begin = performance.now();
    expect(parseGlob(`${"*a".repeat(99)}b`).test("a".repeat(5000))).toBe(false);
    expect(parseGlob(`${"**.".repeat(66)}b`).test("a.".repeat(2500))).toBe(false);
    expect(parseGlob(`${"{a,aa,b}".repeat(24)}c`).test("a".repeat(40))).toBe(false);
    expect(performance.now() - begin).toBeLessThan(2000);
  });

  it("match what a regular expression of the same meaning matches", () => {
    const tokens: Readonly<Record<string, string>> = {
      a: "a",
      b: "b",
      ".": "\\.",
      "*": "[^.]*",
      "?": "[^.]",
      "{a,ab,}": "(?:a|ab|)",
      "**.": "(?:.*\\.)?",
    };
    const glob = fc.array(fc.constantFrom(...Object.keys(tokens)), { minLength: 1, maxLength: 8 });
    const name = fc.string({ maxLength: 8, unit: fc.constantFrom(..."ab.") });
    fc.assert(
      fc.property(glob, name, (parts, text) => {
        // Two stars side by side are another sign.
        fc.pre(!parts.some((part, i) => part === "*" && parts[i + 1]?.startsWith("*")));
        const pattern = new RegExp(`^${parts.map((part) => tokens[part]).join("")}$`);
        return parseGlob(parts.join("")).test(text) === pattern.test(text);
      }),
    );
  });
});

describe("selection", () => {
  const names = [
    "model.embed_tokens",
    "model.layers.0",
    "model.layers.0.conv",
    "model.layers.1",
    "model.layers.1.conv",
    "lm_head",
  ];

  it("keeps the order of the names, whatever that of the globs, and each name once", () => {
    const found = selectNames(names, ["lm_head", "model.layers.1.**", "**.conv"]);
    expect([...found]).toEqual(["model.layers.0.conv", "model.layers.1", "model.layers.1.conv", "lm_head"]);
  });

  it("lists names that are near one that matches nothing", () => {
    expect(() => selectNames(names, ["lm_head", "model.layer.1.convv"])).toThrow(
      'points: expected a pattern that matches one of 6 names, found "model.layer.1.convv". Near it: model.layers.1.conv,',
    );
    expect(nearNames(names, "lmhead")[0]).toBe("lm_head");
    expect(nearNames(names, "model.layers.*.conf")[0]).toMatch(/^model\.layers\.\d\.conv$/);
  });
});
