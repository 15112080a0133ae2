import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/model/config.ts";
import { drawLayers } from "../../src/picture/layers.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const configOf = (path: string) => readConfig(JSON.parse(read(path)));
const published = configOf("../../src/picture/lfm2-8b-a1b.json");

const count = (svg: string, pattern: RegExp): number => svg.match(pattern)?.length ?? 0;

describe("the picture of the layers", () => {
  it("in the README is what draw.ts draws; run it again after a change", () => {
    expect(read("../../src/picture/lfm2-8b-a1b.svg")).toBe(drawLayers(published, "LFM2-8B-A1B"));
  });

  it("shows every layer with its operator and its feed-forward", () => {
    const svg = drawLayers(published, "LFM2-8B-A1B");
    expect(count(svg, />short conv</g)).toBe(18);
    expect(count(svg, />attention</g)).toBe(6 + 1); // the box in its panel is called the same
    expect(count(svg, />dense</g)).toBe(2);
    // One stroke each: all idle experts, all chosen experts.
    const chosen = [...svg.matchAll(/<path d="([^"]*)" class="sparse-mark"/g)].map(([, d]) => count(d, /M/g));
    expect(chosen).toEqual(Array.from({ length: 22 + 1 }, () => 4)); // 22 layers and the panel
    expect(svg).toContain("8.34 B parameters, 1.56 B of them at work for each token");
    expect(svg).toContain("layers 2, 6, 10, 14, 18, 21");
  });

  it("has no number of one checkpoint in its code", () => {
    const folder = new URL("../../src/picture/", import.meta.url);
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".ts"))) {
      expect(read(`../../src/picture/${file}`).match(/\b(?:2048|7168|1792|65536|65_536|1000000)\b/g), file).toBeNull();
    }
  });

  for (const name of ["moe-small", "moe-no-bias", "moe-no-norm", "moe-wide-heads", "dense-small"]) {
    it(`is well-formed and speaks of the parts that ${name} has`, () => {
      const config = configOf(`../../golden/transformers/${name}/config.json`);
      const svg = drawLayers(config, name);
      const open: string[] = [];
      for (const [, close, tag, self] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
        if (close) expect(open.pop()).toBe(tag);
        else if (!self) open.push(tag);
      }
      expect(open).toEqual([]);
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(svg.includes("Sparse feed-forward")).toBe(config.numExperts > 0);
      expect(svg.includes("by score + bias")).toBe(config.useExpertBias);
      expect(svg.includes("divided by the sum")).toBe(config.normTopkProb);
      expect(count(svg, />short conv</g)).toBe(config.layerTypes.filter((type) => type === "conv").length);
    });
  }

  it("keeps a name from becoming markup", () => {
    const svg = drawLayers(published, '<script>"&');
    expect(svg).not.toContain("<script>");
    expect(svg).toContain("&#60;script&#62;&#34;&#38;");
  });
});
