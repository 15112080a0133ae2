// docs/lfm2.md shows the lines that run, and numbers that are computed.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { lfm2Markdown } from "../../docs/lfm2.ts";

const text = readFileSync(new URL("../../docs/lfm2.md", import.meta.url), "utf8");

describe("docs/lfm2.md", () => {
  it("holds what npm run docs writes between its markers", async () => {
    expect(await lfm2Markdown(text)).toBe(text);
  });

  it("says what a model of 8.3 billion parameters and one token of it cost", () => {
    // Both counts follow from the published files: llama-bench prints the second for the real GGUF.
    expect(text).toContain("| parameters | 8,339,930,560 |");
    expect(text).toContain("| parameters | 8,339,930,560 | 8,467,856,832 |");
    expect(text).toMatch(/\| \*\*together\*\* \| 8,339\.9 \| 1,557\.7 \| {2}\| \*\*916\.5\*\* \|/);
  });
});
