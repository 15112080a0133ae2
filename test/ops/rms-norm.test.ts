// rmsNorm over whole rows and over heads.
import { describe, expect, it } from "vitest";
import { gap, randomMatrix, rigs } from "./harness.ts";

describe("rmsNorm", () => {
  it.each([64, 16])("agrees with float64 over runs of %i", (n) => {
    const x = randomMatrix(3, 64, 4, 5);
    const w = randomMatrix(1, n, 5, 2);
    for (const { name, ops, memory, tensor, weight } of rigs({ x, w: { ...w, role: "vector" } })) {
      const have = memory.read(ops.rmsNorm(tensor("x"), weight("w"), 1e-5));
      const want = Array.from(x.data, (value, i) => {
        const run = Array.from(x.data.subarray(i - (i % n), i - (i % n) + n) as Float32Array);
        const mean = run.reduce((sum, v) => sum + v * v, 0) / n;
        return (value / Math.sqrt(mean + 1e-5)) * (w.data as Float32Array)[i % n];
      });
      // Values up to 4, with the relative error of a sum of 64 squares: a few units in the last place.
      expect(gap(have, want), name).toBeLessThan(2e-6);
    }
  });

  it("gives zeros for zeros: eps keeps the divisor away from zero", () => {
    const zeros = { rows: 1, cols: 16, data: new Float32Array(16) };
    for (const { ops, memory, tensor, weight } of rigs({
      x: zeros,
      w: { ...randomMatrix(1, 16, 1), role: "vector" },
    })) {
      expect([...memory.read(ops.rmsNorm(tensor("x"), weight("w"), 1e-5))].every((value) => value === 0)).toBe(true);
    }
  });
});
