import { describe, expect, it } from "vitest";
import { createLogitsMeter } from "../../../src/oracle/compare/logits-gap.ts";

function measure(a: number[][], b: number[][]) {
  const meter = createLogitsMeter(a.length, a[0].length);
  // Row by row, as pieces come.
  for (const [i, row] of a.entries()) meter.add(Float32Array.from(row), Float32Array.from(b[i]));
  return meter.result();
}

describe("logits", () => {
  it("have the KL divergence of their softmax distributions", () => {
    // numpy: sum(p * log(p / q)), p and q the softmax of [1, 2, 3] and [4, 1, 2]([1, 2, 3]), softmax([4, 1, 2])), and of the row with itself
    const { meanKl, maxKl } = measure(
      [
        [1, 2, 3],
        [0, 0, 0],
      ],
      [
        [4, 1, 2],
        [5, 5, 5],
      ],
    );
    expect(maxKl).toBeCloseTo(1.4021177624303836, 12);
    expect(meanKl).toBeCloseTo(1.4021177624303836 / 2, 12);
  });

  it("survive masked tokens and large numbers", () => {
    const masked = [1000, 999, Number.NEGATIVE_INFINITY];
    expect(measure([masked], [masked]).maxKl).toBe(0);
    expect(measure([[1, Number.NaN]], [[1, 2]]).maxKl).toBe(Number.POSITIVE_INFINITY);
  });

  it("agree in their top tokens, or tell where the other's stands", () => {
    const a = [
      [9, 1, 2, 3, 4, 5, 0],
      [0, 1, 2, 3, 4, 5, 6],
    ];
    const b = [
      [2.5, 1, 2, 3, 4, 5, 0],
      [0, 1, 2, 3, 4, 5, 6],
    ];
    const { top1, top5, worstRank, worstRankPosition, positions } = measure(a, b);
    expect([positions, top1, top5]).toEqual([2, 0.5, 1]);
    expect([worstRank, worstRankPosition]).toEqual([3, 0]);
    expect(measure([a[0]], [[-9, 6, 2, 3, 4, 5, 0]])).toMatchObject({ top1: 0, top5: 0.8, worstRank: 6 });
  });

  it("give a bounded sample of pairs", () => {
    const wide = Array.from({ length: 30 }, (_, t) => Array.from({ length: 997 }, (_, i) => t * 997 + i));
    const { sample } = measure(wide, wide);
    expect(sample.length).toBeGreaterThan(1000);
    expect(sample.length).toBeLessThanOrEqual(1500);
    expect(sample.every(([a, b]) => a === b)).toBe(true);
    expect(new Set(sample.map(([a]) => a)).size).toBe(sample.length);
    expect(sample.at(-1)?.[0]).toBeGreaterThan(28 * 997);
  });
});
