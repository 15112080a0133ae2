// As many experts as the largest sibling has: the kernels against the reference, and their builds against each other.
import { describe, expect, it } from "vitest";
import type { ModelOptions } from "../../src/load/model-options.ts";
import { builds, gap } from "../ops/harness.ts";
import { randomIds, randomModel, shapeX } from "../oracle/random-model.ts";
import { load, logitsOf } from "./run.ts";

describe("64 experts, 4 of them chosen", () => {
  it("are chosen and computed by the kernels as by the reference, in steps as in one", async () => {
    const checkpoint = await randomModel({ ...shapeX, num_experts: 64, num_experts_per_tok: 4 }, 31);
    const ids = Int32Array.from(randomIds(120, 40, 31));
    const run = async (options: ModelOptions, step = ids.length) => {
      const loaded = await load(checkpoint, { contextLength: 64, ...options });
      const chosen: number[] = [];
      const logits = logitsOf(loaded, ids, step, {
        result(path, result) {
          if (path.endsWith(".gate.experts") && "k" in result) chosen.push(...loaded.model.memory.readIds(result));
        },
      });
      return { logits, chosen };
    };
    const reference = await run({ backend: "reference" });
    const exact = await run({ mode: "exact" });
    expect(exact.chosen).toEqual(reference.chosen);
    expect(new Set(reference.chosen).size).toBeGreaterThan(40);
    expect(Math.max(...reference.chosen)).toBeGreaterThan(60);
    // Float32 sums in another order: test/model/transformers.test.ts.
    expect(gap(exact.logits, reference.logits)).toBeLessThanOrEqual(1e-4);
    const [baseline, fastest] = [await run({ kernels: "baseline" }), await run({ kernels: builds[0] }, 7)];
    expect(fastest.logits).toEqual(baseline.logits);
  });
});
