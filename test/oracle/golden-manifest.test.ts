// golden.json may be written by hand: what it cannot mean is refused by name.
import { describe, expect, it } from "vitest";
import { parseGolden } from "../../src/oracle/golden/golden-manifest.ts";

const least = {
  format: "lfm2-golden",
  version: 1,
  made: { by: "a program 1.0" },
  cases: [{ file: "one.safetensors", ids: [1, 2, 3] }],
  tolerances: [{ points: "**", atol: 1e-5, rtol: 0, reason: "rounding" }],
};

describe("golden.json", () => {
  it("needs little: who made it, a file and its ids, a tolerance and its reason", () => {
    expect(parseGolden(least, "golden.json")).toMatchObject({
      ...least,
      cases: [{ name: "one", file: "one.safetensors", ids: [1, 2, 3], positions: { from: 0, to: 3 } }],
    });
  });

  const one = least.cases[0];
  const rule = least.tolerances[0];
  const wrong: [string, object, string][] = [
    [
      "another format",
      { format: "lfm2-trace" },
      'expected format "lfm2-golden" version 1, found "lfm2-trace" version 1',
    ],
    ["a later version", { version: 2 }, 'found "lfm2-golden" version 2. Make it again'],
    ["nobody", { made: {} }, "g, made.by: expected a text, found nothing"],
    ["no case", { cases: [] }, "g, cases: expected a list of 1 to 10000, found []"],
    ["no ids", { cases: [{ file: "a" }] }, "g, cases[0].ids: expected a list of token ids, found nothing"],
    ["ids that are none", { cases: [one, { ...one, ids: [1, -1] }] }, "g, cases[1].ids: expected a list of token ids"],
    ["no file", { cases: [{ ids: [1] }] }, "g, cases[0].file: expected a text, found nothing"],
    [
      "positions past the ids",
      { cases: [{ ...one, positions: { from: 1, to: 4 } }] },
      "positions: expected 0 ≤ from < to ≤ 3",
    ],
    ["no reason", { tolerances: [{ ...rule, reason: "" }] }, "g, tolerances[0].reason: expected a text"],
    ["a negative tolerance", { tolerances: [{ ...rule, atol: -1 }] }, "g, tolerances[0]: expected atol and rtol"],
    ["a tolerance of text", { tolerances: [{ ...rule, rtol: "1" }] }, "g, tolerances[0]: expected atol and rtol"],
    ["an open brace", { tolerances: [{ ...rule, points: "{a" }] }, "expected every { closed"],
    [
      "another mode",
      { run: { mode: "fast" } },
      'g, run.mode: expected exact or int8, found "fast". Correct golden.json.',
    ],
    ["a model without a name", { model: { path: "." } }, "g, model.name: expected a text, found nothing"],
  ];
  it.each(wrong)("is refused with %s", (_, change, message) => {
    expect(() => parseGolden({ ...least, ...change }, "g")).toThrow(message);
  });
});
