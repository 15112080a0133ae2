import { describe, expect, it } from "vitest";
import {
  differences,
  type EvalHeader,
  evalLine,
  mergeEvalFiles,
  missingWindows,
  parseEvalFile,
} from "../../../src/oracle/eval/eval-file.ts";
import type { WindowScores } from "../../../src/oracle/eval/evaluate.ts";

const run = { name: "a", sha256: "ab", sha256Of: "files", backend: "wasm", mode: "int8", kvType: "f16" };
const header: EvalHeader = {
  format: "lfm2-eval",
  version: 1,
  model: run,
  base: { ...run, mode: "exact", kvType: "f32" },
  text: { name: "t.txt", sha256: "cd", tokens: 50 },
  window: 8,
  windows: 6,
  shard: { index: 1, count: 2 },
};

function scoresOf(window: number): WindowScores {
  return {
    window,
    nll: [0.1, 0.2, 1e-12],
    base: { nll: [0.3, 0.1, 5], kl: [0, 1e-9, 0.123456789], sameTop: [1, 0, 1] },
  };
}

const fileOf = (windows: readonly number[], head: EvalHeader = header): string =>
  [evalLine(head), ...windows.map((window) => evalLine(scoresOf(window)))].join("");

describe("a file of results", () => {
  it("gives back the numbers that were written", () => {
    expect(parseEvalFile(fileOf([0, 4]), "f")).toEqual({ header, scores: [scoresOf(0), scoresOf(4)] });
    expect(missingWindows(header, [scoresOf(0), scoresOf(4)])).toEqual([2]);
  });

  const refused: readonly [what: string, text: string, message: string][] = [
    ["another format", '{"format":"gguf"}\n', 'expected format "lfm2-eval" version 1'],
    ["no JSON", "hello\n", "f, line 1: expected JSON"],
    ["a window of another shard", fileOf([1]), "f, line 2, window: expected one of the shard's, once, found 1."],
    ["a window twice", fileOf([0, 2, 0]), "f, line 4, window: expected one of the shard's, once, found 0."],
    ["a window past the text", fileOf([6]), "window: expected an integer from 0 to 5, found 6."],
    ["too few numbers", fileOf([0]).replace("[0.1,0.2,", "[0.1,"), "nll: expected a list of 3 numbers"],
    ["a divergence below 0", fileOf([0]).replace("0.123456789", "-1"), "base.kl: expected a list of 3 numbers"],
    ["a probability above 1", fileOf([0]).replace("[0.1,", "[-0.1,"), "nll: expected a list of 3 numbers from 0"],
    [
      "the same of the base",
      fileOf([0]).replace('"base":{"nll":[', '"base":{"nll":[-'),
      "base.nll: expected a list of 3",
    ],
    ["half an agreement", fileOf([0]).replace("[1,0,1]", "[1,0.5,1]"), "expected 0 or 1 in base.sameTop"],
    ["a line without its base", `${fileOf([])}{"window":0,"nll":[1,2,3]}\n`, "f, line 2, base: expected figures"],
    ["a tiny window", fileOf([]).replace('"window":8', '"window":2'), "window: expected an integer from 8 to"],
    ["a shard of none", fileOf([]).replace('"index":1', '"index":3'), "shard: expected index ≤ count"],
    ["a model without a hash", fileOf([]).replace('"sha256":"ab"', '"sha256":7'), "model.sha256: expected a text"],
  ];
  for (const [what, text, message] of refused) {
    it(`is refused with ${what}`, () => {
      expect(() => parseEvalFile(text, "f")).toThrow(message);
    });
  }
});

describe("files of one evaluation", () => {
  const part = (index: number, windows: readonly number[]) => {
    const head = { ...header, shard: { index, count: 2 } };
    return { name: `part-${index}`, file: parseEvalFile(fileOf(windows, head), `part-${index}`) };
  };

  it("merge to what one run would have written", () => {
    const { header: whole, scores } = mergeEvalFiles([part(2, [1, 3, 5]), part(1, [4, 0, 2])]);
    expect(whole).toEqual({ ...header, shard: { index: 1, count: 1 } });
    expect(scores).toEqual([0, 1, 2, 3, 4, 5].map(scoresOf));
    const { header: some, scores: found } = mergeEvalFiles([part(2, [1, 5])]);
    expect(missingWindows(some, found)).toEqual([0, 2, 3, 4]);
  });

  it("are refused when a window is in two of them", () => {
    expect(() => mergeEvalFiles([part(1, [0]), { ...part(1, [2, 0]), name: "again" }])).toThrow(
      "again: expected windows that no other file has, found window 0, which part-1 has, too.",
    );
  });

  it("are told apart by everything that changes a number, and by no name", () => {
    expect(differences({ ...header, model: { ...run, name: "b" }, shard: { index: 2, count: 2 } }, header)).toEqual([]);
    const { base: _, ...alone } = header;
    expect(differences(alone, header)[0]).toBe("base.sha256 none instead of ab");
    const other = { ...header, model: { ...run, mode: "exact", quantize: "Q4_0" }, window: 16, windows: 3 };
    expect(differences(other, header)).toEqual([
      "model.mode exact instead of int8",
      "window 16 instead of 8",
      "windows 3 instead of 6",
      "model.quantize Q4_0 instead of none",
    ]);
    const file = parseEvalFile(fileOf([], { ...header, text: { ...header.text, sha256: "ef" } }), "other");
    expect(() => mergeEvalFiles([part(1, []), { name: "other", file }])).toThrow(
      "other: expected results like those of part-1, found text.sha256 ef instead of cd. Merge files of one evaluation.",
    );
  });
});
