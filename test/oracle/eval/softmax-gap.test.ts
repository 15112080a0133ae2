import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logSumExp, softmaxGap } from "../../../src/oracle/eval/softmax-gap.ts";

const row = (...logits: number[]): Float32Array => Float32Array.from(logits);

describe("two rows of logits", () => {
  it("have as their top the lowest of equal ids, and pass over NaN in the first place", () => {
    expect(softmaxGap(row(1, 3, 3), row(2, 2, 2))).toMatchObject({ topA: 1, topB: 0 });
    expect(softmaxGap(row(Number.NaN, 3, 5), row(0, 1, 0))).toMatchObject({ topA: 2, topB: 1, kl: Infinity });
  });

  it("have the log Σ eˣ that each has alone, to the bit, and no divergence below 0", () => {
    const logits = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(logits, logits, (x, y) => {
        const { kl, logSumA, logSumB } = softmaxGap(row(...x), row(...y));
        expect([logSumA, logSumB]).toEqual([logSumExp(row(...x)), logSumExp(row(...y))]);
        expect(kl).toBeGreaterThanOrEqual(0);
        expect(softmaxGap(row(...x), row(...x)).kl).toBe(0);
      }),
    );
  });
});
