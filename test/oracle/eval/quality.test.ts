import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WindowScores } from "../../../src/oracle/eval/evaluate.ts";
import { qualityOf, runningMeans } from "../../../src/oracle/eval/quality.ts";

const scores: WindowScores[] = [
  { window: 0, nll: [1, 2, 4], base: { nll: [1.1, 1.9, 3.5], kl: [0.1, 0, 0.5], sameTop: [1, 1, 0] } },
  { window: 1, nll: [0.5, 3, 2], base: { nll: [0.4, 3.2, 2], kl: [0.02, 0.3, 0.01], sameTop: [1, 0, 1] } },
];

describe("quality figures", () => {
  // numpy, by the formulas of llama.cpp's kl_divergence(): error √((Σx²/n − x̄²) / (n − 1)), covariance and all.
  it("are llama-perplexity's", () => {
    const { positions, perplexity, base } = qualityOf(scores);
    expect(positions).toBe(6);
    expect([perplexity.value, perplexity.error]).toEqual([close(8.031194996), close(4.200945385)]);
    expect([base?.perplexity.value, base?.perplexity.error]).toEqual([close(7.513239017), close(3.646910362)]);
    expect([base?.perplexityRatio.value, base?.perplexityRatio.error]).toEqual([
      close(1.068939106),
      close(0.105699528),
    ]);
    expect([base?.kl.mean.value, base?.kl.mean.error]).toEqual([close(0.155), close(0.082935718)]);
    expect([base?.kl.median, base?.kl.p90, base?.kl.p99, base?.kl.max]).toEqual([
      close(0.06),
      close(0.4),
      close(0.49),
      0.5,
    ]);
    expect([base?.sameTop.value, base?.sameTop.error]).toEqual([close(2 / 3), close(0.210818511)]);
    expect([base?.rmsDeltaP.value, base?.rmsDeltaP.error]).toEqual([close(0.03087578), close(0.010525751)]);
  });

  it("lie in an interval of 1.96 errors of what was averaged, within what the figure can be", () => {
    const { perplexity, base } = qualityOf(scores);
    const error = perplexity.error / perplexity.value;
    expect(perplexity.low).toBeCloseTo(perplexity.value * Math.exp(-1.959963985 * error), 6);
    expect(perplexity.high).toBeCloseTo(perplexity.value * Math.exp(1.959963985 * error), 6);
    expect(base?.kl.mean.low).toBe(0);
    expect(base?.kl.mean.high).toBeCloseTo(0.155 + 1.959963985 * 0.082935718, 7);
    expect(base?.sameTop.high).toBe(1);
  });

  it("of a model against itself are 0, 1, and without error", () => {
    const itself = scores.map(({ window, nll }) => ({ window, nll, base: { nll, kl: [0, 0, 0], sameTop: [1, 1, 1] } }));
    const { base } = qualityOf(itself);
    expect(base?.perplexityRatio).toEqual({ value: 1, error: 0, low: 1, high: 1 });
    expect(base?.rmsDeltaP).toEqual({ value: 0, error: 0, low: 0, high: 0 });
    expect(base?.sameTop).toEqual({ value: 1, error: 0, low: 1, high: 1 });
  });

  it("have the same bits in whatever order windows come", () => {
    const value = fc.double({ min: 0, max: 20, noNaN: true });
    const three = fc.array(value, { minLength: 3, maxLength: 3 });
    const bit = fc.array(fc.constantFrom(0, 1), { minLength: 3, maxLength: 3 });
    const window = fc.record({ nll: three, base: fc.record({ nll: three, kl: three, sameTop: bit }) });
    fc.assert(
      fc.property(fc.array(window, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 5 }), (found, count) => {
        const whole = found.map((one, i) => ({ window: i, ...one }));
        const shards = Array.from({ length: count }, (_, i) => whole.filter((one) => one.window % count === i));
        expect(qualityOf(shards.reverse().flat())).toEqual(qualityOf(whole));
      }),
    );
  });

  it("need no base, and at least one window", () => {
    const alone = scores.map(({ window, nll }) => ({ window, nll }));
    expect(qualityOf(alone)).toEqual({ positions: 6, perplexity: qualityOf(scores).perplexity });
    expect(() => qualityOf([])).toThrow("windows: expected at least one, found none.");
    expect(runningMeans(alone)).toEqual({ perplexity: qualityOf(alone).perplexity.value });
    expect(runningMeans(scores).kl).toBeCloseTo(0.155, 12);
  });
});

function close(value: number): number {
  return expect.closeTo(value, 8) as unknown as number;
}
