import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logprobsOf } from "../../src/sampling/logprobs.ts";

describe("logprobsOf", () => {
  it("gives torch.log_softmax of the logits", () => {
    // torch 2.13.0: torch.tensor([0.5, -2.25, 7, 3.125, 7], dtype=torch.float64).log_softmax(0)
    const logits = Float32Array.of(0.5, -2.25, 7, 3.125, 7);
    const expected = [
      -7.204262124432948, -9.95426212443295, -0.7042621244329487, -4.579262124432948, -0.7042621244329487,
    ];
    expected.forEach((logprob, id) => {
      expect(logprobsOf(logits, id, 0)).toEqual({ id, logprob: expect.closeTo(logprob, 12), top: [] });
    });
    expect(logprobsOf(logits, 0, 3).top.map(({ id }) => id)).toEqual([2, 4, 3]);
  });

  it("tells the top ids as a full sort would, each with its own logprob", () => {
    const values = fc.array(fc.integer({ min: -30, max: 30 }), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 20 }), (values, count) => {
        const logits = Float32Array.from(values, (v) => v / 4);
        const sorted = values.map((_, id) => id).sort((a, b) => logits[b] - logits[a] || a - b);
        const { top } = logprobsOf(logits, 0, count);
        expect(top.map(({ id }) => id)).toEqual(sorted.slice(0, count));
        for (const { id, logprob } of top) expect(logprob).toBe(logprobsOf(logits, id, 0).logprob);
      }),
    );
  });

  it("makes probabilities that sum to 1, and stays finite for logits far apart", () => {
    const logits = Float32Array.of(1e4, -1e4, 9999);
    const all = [0, 1, 2].map((id) => logprobsOf(logits, id, 0).logprob);
    expect(all.every(Number.isFinite)).toBe(true);
    expect(all.reduce((sum, l) => sum + Math.exp(l), 0)).toBeCloseTo(1, 12);
  });
});
