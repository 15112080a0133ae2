// topK: which experts are chosen, ties included.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rigs } from "./harness.ts";

describe("topK", () => {
  it("chooses the k largest, equal ones by lower id, and lists them ascending", () => {
    const scores = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 8 }), (row, k) => {
        const want = row
          .map((value, id) => ({ value, id }))
          .sort((a, b) => b.value - a.value || a.id - b.id)
          .slice(0, k)
          .map(({ id }) => id)
          .sort((a, b) => a - b);
        for (const { ops, memory, tensor } of rigs({ x: { rows: 1, cols: 8, data: Float32Array.from(row) } })) {
          expect([...memory.readIds(ops.topK(tensor("x"), k))]).toEqual(want);
        }
      }),
      { numRuns: 60 },
    );
  });
});
