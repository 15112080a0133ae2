// Plots are well-formed, and have the figures they are given in them.
import { describe, expect, it } from "vitest";
import { plotRuns, readRun } from "../../src/bench/product/plots.ts";
import type { Row, Run } from "../../src/bench/product/run.ts";

function row(over: Partial<Row>, tokensPerSecond: number): Row {
  return {
    mode: "int8",
    kernels: "relaxed",
    threads: 2,
    kvType: "f16",
    kind: "decode",
    tokens: 128,
    depth: 0,
    peakBytes: 5.12e9,
    ...over,
    tokensPerSecond: { median: tokensPerSecond, min: tokensPerSecond - 1, max: tokensPerSecond + 1, rounds: [] },
  };
}

function run(format: "Q4_0" | "Q8_0", rows: readonly Row[]): Run {
  return {
    kind: "lfm2 bench",
    date: "2026-01-01T00:00:00.000Z",
    machine: {
      cpu: "A <fast> CPU",
      cpus: 2,
      memoryBytes: 2e10,
      platform: "linux x64",
      dotProduct: "one instruction",
      node: "24.0.0",
      v8: "13",
    },
    model: {
      name: "a & b",
      fileBytes: 5e9,
      formats: [format],
      contextLimit: 128000,
      bytesPerToken: { dense: 1, experts: 1, head: 1, total: 3 },
    },
    rounds: 3,
    complete: true,
    filling: "prompt",
    readLimits: [],
    rows,
    settings: [],
    notes: [],
  };
}

const one = run("Q4_0", [
  row({}, 46.2),
  row({ depth: 65536, peakBytes: 6.34e9 }, 31.7),
  row({ threads: 1 }, 33.3),
  row({ kind: "prefill", tokens: 512 }, 117),
  row({ kind: "prefill", tokens: 64 }, 98.6),
]);
const other = run("Q8_0", [row({}, 25.4)]);
const files = (runs: readonly Run[]): string[] => plotRuns(runs).map(({ file }) => file);
const svgOf = (runs: readonly Run[], file: string): string =>
  plotRuns(runs).find((plot) => plot.file === file)?.svg ?? "";

describe("plots", () => {
  it("are those that a run has figures for", () => {
    expect(files([one])).toEqual([
      "decode-by-depth.svg",
      "decode-by-threads.svg",
      "prefill-by-batch.svg",
      "memory-by-context.svg",
    ]);
    expect(files([one, other])).toContain("decode-by-format.svg");
    expect(files([other])).toEqual([]);
  });

  it("have the given numbers in them", () => {
    const numbers: readonly [string, string[]][] = [
      ["decode-by-depth.svg", ["46.2", "31.7", "65,536"]],
      ["decode-by-threads.svg", ["46.2", "33.3"]],
      ["prefill-by-batch.svg", ["117", "98.6", "512"]],
      ["memory-by-context.svg", ["5.12", "6.34"]],
      ["decode-by-format.svg", ["46.2", "25.4", "Q4_0", "Q8_0"]],
    ];
    for (const [file, found] of numbers) {
      const svg = svgOf([one, other], file);
      for (const number of found) expect(svg, `${number} in ${file}`).toMatch(new RegExp(`>[^<]*${number}[^<]*<`));
    }
  });

  it("name their series by what tells them apart, and say once what does not", () => {
    const svg = svgOf([one], "decode-by-depth.svg");
    expect(svg).toContain(">2 threads</text>");
    expect(svg).toContain("a &#38; b · Q4_0 · int8 · relaxed · KV f16 · decode 128 · A &#60;fast&#62; CPU");
  });

  for (const { file, svg } of plotRuns([one, other])) {
    it(`${file} is well-formed, self-contained, and made for light pages and for dark ones`, () => {
      const open: string[] = [];
      for (const [, close, tag, self] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
        if (close) expect(open.pop()).toBe(tag);
        else if (!self) open.push(tag);
      }
      expect(open).toEqual([]);
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
      expect(svg).not.toMatch(/NaN|undefined|Infinity|href=/);
      expect(svg).toContain("@media (prefers-color-scheme: dark)");
    });
  }
});

describe("a run from a file", () => {
  it("is what JSON kept of it", () => {
    expect(readRun(JSON.stringify(one), "run.json")).toEqual(one);
  });

  it("is refused when it is something else", () => {
    for (const text of ["", "[]", "null", '{"kind":"lfm2 bench"}']) {
      expect(() => readRun(text, "run.json")).toThrow("run.json: expected a file that `lfm2 bench -o` wrote");
    }
  });
});
