// Masks: an id that is not allowed weighs as if it were not in the vocabulary.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSampler, probabilities } from "../../src/sampling/sampler.ts";

/** The bits of some ids, written independently of src/sampling/mask.ts. */
function maskOf(ids: readonly number[], vocabSize: number): Uint32Array {
  const mask = new Uint32Array(Math.ceil(vocabSize / 32));
  for (const id of ids) mask[Math.floor(id / 32)] += 2 ** (id % 32);
  return mask;
}

const cases = fc.integer({ min: 1, max: 100 }).chain((vocabSize) =>
  fc.record({
    // Few distinct values: many ties.
    logits: fc.array(fc.integer({ min: -8, max: 8 }), { minLength: vocabSize, maxLength: vocabSize }),
    ids: fc.subarray(
      Array.from({ length: vocabSize }, (_, id) => id),
      { minLength: 1 },
    ),
    topK: fc.integer({ min: 0, max: 12 }),
    topP: fc.constantFrom(1, 0.9, 0.4),
    minP: fc.constantFrom(0, 0.2),
    temperature: fc.constantFrom(0, 0.5, 1, 3),
    repetitionPenalty: fc.constantFrom(1, 1.5),
  }),
);

describe("a mask", () => {
  it("leaves what sampling from the allowed logits alone would give, in every setting", () => {
    fc.assert(
      fc.property(cases, ({ logits, ids, ...settings }) => {
        const history = ids.slice(0, 2);
        const alone = Float32Array.from(ids, (id) => logits[id]);
        const expected = probabilities(
          alone,
          history.map((id) => ids.indexOf(id)),
          settings,
        );
        const mask = maskOf(ids, logits.length);
        const found = probabilities(Float32Array.from(logits), history, settings, mask);
        expect(Array.from(ids, (id) => found[id])).toEqual([...expected]);
        expect(found.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
        const seeded = { ...settings, seed: 3 };
        const alike = createSampler(ids.length, seeded);
        const masked = createSampler(logits.length, seeded);
        for (let i = 0; i < 5; i++) {
          const id = masked.next(Float32Array.from(logits), history, mask);
          const same = alike.next(
            alone,
            history.map((id) => ids.indexOf(id)),
          );
          expect(id).toBe(ids[same]);
        }
      }),
    );
  });

  it("holds at temperature 0, and counts bits past the vocabulary for nothing", () => {
    const sampler = createSampler(33, { temperature: 0 });
    const logits = Float32Array.from({ length: 33 }, (_, id) => id);
    expect(sampler.next(logits, [])).toBe(32);
    expect(sampler.next(logits, [], Uint32Array.of(0xffffffff, 0xfffffffe))).toBe(31);
    expect(sampler.next(logits, [], Uint32Array.of(0b101, 0))).toBe(2);
    expect(sampler.next(logits, [], Uint32Array.of(0, 1))).toBe(32);
  });

  it("that allows nothing is refused, and so is one of another size", () => {
    for (const temperature of [0, 1]) {
      const sampler = createSampler(33, { temperature });
      const logits = new Float32Array(33);
      expect(() => sampler.next(logits, [], new Uint32Array(2))).toThrow("allowed: expected at least one id");
      expect(() => sampler.next(logits, [], Uint32Array.of(0, 0xfffffffe))).toThrow("found none.");
      expect(() => sampler.next(logits, [], new Uint32Array(1))).toThrow(
        "allowed: expected 2 words (32 ids each), found 1.",
      );
      expect(() => sampler.next(logits, [], Uint32Array.of(1, 0, 0))).toThrow("found 3.");
    }
  });
});
