// One hash for all: either build, any cut into steps. The other engines' parts are in same-bits.long.test.ts and in
// test/browser/same-numbers.test.ts.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { expectedBits, prompts } from "../../src/oracle/same-bits.ts";
import { sha256 } from "../../src/oracle/trace/model-hash.ts";
import { golden } from "../cli/lfm2.ts";
import { load, logitsOf, open } from "../model/run.ts";
import { builds } from "../ops/harness.ts";

describe("the embedded model's logits", () => {
  it.each(["exact", "int8"] as const)("have the expected bits in steps of 1, 7 and 512: %s", async (mode) => {
    for (const kernels of builds) {
      const loaded = await load(await open("nano", "lfm2-nano-Q4_0.gguf"), { mode, kernels, contextLength: 64 });
      for (const step of [1, 7, 512]) {
        const pieces = prompts.map((ids) => new Uint8Array(logitsOf(loaded, Int32Array.from(ids), step).buffer));
        expect(await sha256(pieces), `${kernels}, steps of ${step}`).toBe(expectedBits[mode]);
      }
    }
  });

  it("are those of dialogues that the model was trained for, 64 ids each", () => {
    const cases: { ids: number[]; greedy_ids: number[] }[] = JSON.parse(
      readFileSync(`${golden}nano/golden.json`, "utf8"),
    );
    const texts = cases.map(({ ids, greedy_ids }) => [...ids, ...greedy_ids]);
    const [question, story, tools] = prompts;
    expect(prompts.map((ids) => ids.length)).toEqual([64, 64, 64]);
    expect([...texts[1], 214, ...texts[2].slice(1)].slice(0, 64)).toEqual(question);
    expect(texts[3].slice(0, 64)).toEqual(story);
    expect(texts[4].slice(0, 64)).toEqual(tools);
  });
});
