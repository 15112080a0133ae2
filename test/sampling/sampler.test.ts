import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SamplingOptions, validateSampling } from "../../src/sampling/options.ts";
import { createSampler, probabilities } from "../../src/sampling/sampler.ts";

interface GoldenCase {
  readonly name: string;
  readonly settings: Record<string, number>;
  readonly history: number[];
  readonly logits: number[];
  readonly probabilities: number[];
}
const golden: { cases: GoldenCase[] } = JSON.parse(
  readFileSync(new URL("../../golden/text/samplers.json", import.meta.url), "utf8"),
);

const llama: { cases: (Omit<GoldenCase, "logits" | "probabilities"> & LlamaCase)[] } = JSON.parse(
  readFileSync(new URL("../../golden/text/llama-samplers.json", import.meta.url), "utf8"),
);
interface LlamaCase {
  readonly settings: Record<string, unknown>;
  /** Which case of samplers.json has the logits. */
  readonly logits_of: number;
  /** Of the ids that are left. */
  readonly probabilities: Record<string, number>;
}

describe("probabilities in llama.cpp's order", () => {
  it.each(llama.cases)("are those of llama.cpp's own samplers: $name $settings", ({ logits_of, ...llamaCase }) => {
    const { settings, history, probabilities: expected } = llamaCase;
    const named = Object.entries(settings).map(([key, value]) => [
      key.replace(/_(.)/g, (_, letter) => letter.toUpperCase()),
      value,
    ]);
    const found = probabilities(Float32Array.from(golden.cases[logits_of].logits), history, {
      ...Object.fromEntries(named),
      order: "llama.cpp",
    });
    expect(Array.from(found.keys()).filter((id) => found[id] > 0)).toEqual(Object.keys(expected).map(Number));
    // 1e-6: llama.cpp computes in float32.
    for (const [id, p] of Object.entries(expected)) expect(Math.abs(found[Number(id)] - p)).toBeLessThan(1e-6);
  });

  it("keep exactly k ids, of equal ones the lowest; in transformers' order all equal ones", () => {
    const logits = Float32Array.of(1, 3, 2, 2, 5, 2);
    const kept = (order: "transformers" | "llama.cpp", topK: number) =>
      Array.from(probabilities(logits, [], { order, topK })).flatMap((p, id) => (p > 0 ? [id] : []));
    expect(kept("llama.cpp", 4)).toEqual([1, 2, 3, 4]);
    expect(kept("llama.cpp", 3)).toEqual([1, 2, 4]);
    expect(kept("llama.cpp", 1)).toEqual([4]);
    expect(kept("transformers", 3)).toEqual([1, 2, 3, 4, 5]);
  });

  it("equal transformers' at temperature 1 without penalties and ties", () => {
    const distinct = fc.uniqueArray(fc.integer({ min: -4000, max: 4000 }), { minLength: 2, maxLength: 60 });
    const options = fc.record({
      topK: fc.integer({ min: 0, max: 70 }),
      topP: fc.constantFrom(1, 0.9, 0.5, 0.1),
      minP: fc.constantFrom(0, 0.05, 0.5, 1),
    });
    fc.assert(
      fc.property(distinct, options, (values, settings) => {
        const logits = Float32Array.from(values, (v) => v / 500);
        expect(probabilities(logits, [], { ...settings, order: "llama.cpp" })).toEqual(
          probabilities(logits, [], settings),
        );
      }),
    );
  });

  it("give an id far below the highest its share at a high temperature", () => {
    const [high, low] = probabilities(Float32Array.of(300, 0), [], { temperature: 100, order: "llama.cpp" });
    expect(high / low).toBeCloseTo(Math.exp(3), 4);
  });

  it("refuse a temperature that takes the scores out of float32", () => {
    const settings = { temperature: 0.001, order: "llama.cpp" } as const;
    expect(() => probabilities(Float32Array.of(3e38, 0), [], settings)).toThrow("found Infinity.");
  });
});

describe("bias and penalties", () => {
  const logits = Float32Array.of(1, -2, 3, 0.5);
  const likely = (options: object, history: number[] = [], promptLength = 0) =>
    Array.from(probabilities(logits, history, options, undefined, promptLength));
  /** The softmax of other logits, for what is expected. */
  const softmax = (...values: number[]) => Array.from(probabilities(Float32Array.from(values), [], {}));

  it("add the bias before the penalties and the temperature", () => {
    expect(likely({ logitBias: { 1: 4, 2: -1.5 } })).toEqual(softmax(1, 2, 1.5, 0.5));
    // −2 + 4 = 2 is above 0 and so is divided, not multiplied.
    expect(likely({ logitBias: { 1: 4 }, repetitionPenalty: 2, temperature: 0.5 }, [1])).toEqual(softmax(2, 2, 6, 1));
  });

  it("take the id with bias 100 and never the one with −100, greedily too", () => {
    for (const temperature of [0, 1]) {
      const sampler = (logitBias: Record<number, number>) => createSampler(4, { temperature, seed: 1, logitBias });
      expect(sampler({ 1: 100 }).next(logits, [])).toBe(1);
      const draws = Array.from({ length: 50 }, () => sampler({ 2: -100 }).next(logits, []));
      expect(draws).not.toContain(2);
    }
  });

  it("subtract OpenAI's frequency penalty for each time an id was sampled and the presence penalty once", () => {
    const history = [0, 0, 2, 3, 2, 2];
    // The prompt is the first three: 2 was sampled twice, 3 once.
    expect(likely({ frequencyPenalty: 0.5 }, history, 3)).toEqual(softmax(1, -2, 2, 0));
    expect(likely({ presencePenalty: 0.25 }, history, 3)).toEqual(softmax(1, -2, 2.75, 0.25));
    expect(likely({ frequencyPenalty: -0.5, presencePenalty: 2 }, history, 3)).toEqual(softmax(1, -2, 2, -1));
    // Again with the same tables: nothing is left over from the step before.
    const sampler = createSampler(4, { frequencyPenalty: 2, temperature: 0 }, 1);
    expect(sampler.next(logits, [0, 2, 2])).toBe(0);
    expect(sampler.next(logits, [0])).toBe(2);
    expect(sampler.next(logits, [0, 2])).toBe(0);
    expect(sampler.next(logits, [2, 2])).toBe(0);
    expect(sampler.next(logits, [2])).toBe(2);
  });

  it("refuse a bias for an id outside of the vocabulary", () => {
    expect(() => createSampler(4, { logitBias: { 4: 1 } })).toThrow(
      "logitBias: expected token ids from 0 to 3, found 4.",
    );
  });
});

describe("probabilities", () => {
  for (const { name, settings, history, logits, probabilities: expected } of golden.cases) {
    it(`are Hugging Face's after its processors: ${name} ${JSON.stringify(settings)}`, () => {
      const found = probabilities(Float32Array.from(logits), history, {
        ...(settings.temperature === undefined ? {} : { temperature: settings.temperature }),
        ...(settings.top_k === undefined ? {} : { topK: settings.top_k }),
        ...(settings.top_p === undefined ? {} : { topP: settings.top_p }),
        ...(settings.min_p === undefined ? {} : { minP: settings.min_p }),
        ...(settings.repetition_penalty === undefined ? {} : { repetitionPenalty: settings.repetition_penalty }),
      });
      // 1e-6: Hugging Face's softmax is float32.
      for (let id = 0; id < expected.length; id++) expect(Math.abs(found[id] - expected[id])).toBeLessThan(1e-6);
      expect(Array.from(found, (p) => p > 0)).toEqual(expected.map((p) => p > 0));
    });
  }

  const logits = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 1, maxLength: 60 }).map((values) => {
    return Float32Array.from(values, (v) => v / 4); // few distinct values: many ties, 0 and −0 among them
  });

  it("equal a sort-based reading of top_k, top_p and min_p, ties included", () => {
    const options = fc.record({
      temperature: fc.constantFrom(0.3, 1, 2),
      topK: fc.integer({ min: 0, max: 70 }),
      topP: fc.constantFrom(1, 0.9, 0.5, 0.1),
      minP: fc.constantFrom(0, 0.05, 0.5, 1),
    });
    fc.assert(
      fc.property(logits, options, (values, chosen) => {
        const settings = validateSampling(chosen);
        const expected = bySorting(values, settings);
        const found = probabilities(values, [], settings);
        expect(Array.from(found, (p) => p > 0)).toEqual(expected.map((p) => p > 0));
        found.forEach((p, id) => {
          expect(p).toBeCloseTo(expected[id], 12);
        });
      }),
    );
  });

  it("leave the logits as they were", () => {
    const values = Float32Array.of(1, -2, 3);
    probabilities(values, [0, 1, 2], { repetitionPenalty: 2, temperature: 0.5, topK: 2 });
    expect([...values]).toEqual([1, -2, 3]);
  });

  it("count a repeated id once in the penalty", () => {
    const values = Float32Array.of(1, -2, 3);
    const once = probabilities(values, [0, 1], { repetitionPenalty: 1.3 });
    expect(probabilities(values, [0, 1, 1, 0, 0], { repetitionPenalty: 1.3 })).toEqual(once);
    expect(once[0]).toBeLessThan(probabilities(values, [], {})[0]);
    expect(once[1]).toBeLessThan(probabilities(values, [], {})[1]);
  });
});

/** Straight from the definitions, with a full sort. Sums in the same order as exact arithmetic would not need. */
function bySorting(logits: Float32Array, { temperature, topK, topP, minP }: SamplingOptions): number[] {
  const scores = Array.from(logits, (l) => Math.fround(l / Math.fround(temperature)));
  const highest = Math.max(...scores);
  let kept = scores.map((_, id) => id).sort((a, b) => scores[b] - scores[a] || a - b);
  if (topK > 0 && topK < kept.length) {
    const kth = scores[kept[topK - 1]];
    kept = kept.filter((id) => scores[id] >= kth);
  }
  const weight = (id: number) => Math.exp(scores[id] - highest);
  const total = kept.reduce((sum, id) => sum + weight(id), 0);
  if (topP < 1) {
    let before = 0;
    kept = kept.filter((id) => {
      const keep = before < topP * total - 1e-12; // equal in exact arithmetic must not depend on the order of sums
      before += weight(id);
      return keep;
    });
  }
  kept = kept.filter((id) => weight(id) >= minP);
  const left = kept.reduce((sum, id) => sum + weight(id), 0);
  const result = scores.map(() => 0);
  for (const id of kept) result[id] = weight(id) / left;
  return result;
}

describe("createSampler", () => {
  it("takes the lowest of the most likely ids at temperature 0", () => {
    const sampler = createSampler(4, { temperature: 0 });
    expect(sampler.next(Float32Array.of(1, 5, 5, 0), [])).toBe(1);
    expect(sampler.next(Float32Array.of(-0, 0, -1, 0), [])).toBe(0);
  });

  it("penalizes at temperature 0 too", () => {
    const sampler = createSampler(3, { temperature: 0, repetitionPenalty: 2 });
    expect(sampler.next(Float32Array.of(3, 2, 1), [0])).toBe(1);
    expect(sampler.next(Float32Array.of(3, 2, 1), [])).toBe(0);
  });

  it("gives the same ids for the same seed, and other ids for another", () => {
    const logits = Float32Array.from({ length: 1000 }, (_, i) => Math.fround((i * 7919) % 13));
    const draw = (seed: number | bigint) => {
      const sampler = createSampler(1000, { seed, topP: 0.9 });
      return Array.from({ length: 50 }, () => sampler.next(logits, []));
    };
    expect(draw(7)).toEqual(draw(7n));
    expect(draw(-1)).toEqual(draw(2n ** 64n - 1n));
    expect(draw(7)).not.toEqual(draw(8));
  });

  // A second implementation, of generator, seeding, processors and draw, in Python gives the same ids.
  it("draws these ids for seed 7, on every engine", () => {
    const logits = Float32Array.from({ length: 1000 }, (_, i) => ((i * 7919) % 1013) / 100);
    const sampler = createSampler(1000, { seed: 7, temperature: 0.8, topK: 300, topP: 0.95, minP: 0.01 });
    expect(Array.from({ length: 10 }, () => sampler.next(logits, []))).toEqual([
      411, 690, 482, 767, 115, 756, 126, 521, 482, 811,
    ]);
  });

  it("draws a fresh seed when none is given, and tells it", () => {
    const { settings } = createSampler(4, {});
    expect(Number.isSafeInteger(settings.seed)).toBe(true);
    expect(createSampler(4, {}).settings.seed).not.toBe(settings.seed);
  });

  it("draws as often as the probabilities say", () => {
    const logits = Float32Array.of(0, 1, 2, 0.5, -1, 1.5, -0.5, 0.25);
    const expected = probabilities(logits, [], {});
    const draws = 40_000;
    const counts = new Float64Array(8);
    const sampler = createSampler(8, { seed: 20_260_131 });
    for (let i = 0; i < draws; i++) counts[sampler.next(logits, [])]++;
    let chiSquare = 0;
    for (let id = 0; id < 8; id++) chiSquare += (counts[id] - draws * expected[id]) ** 2 / (draws * expected[id]);
    // 24.3 is exceeded once in a thousand seeds at 7 degrees of freedom.
    expect(chiSquare).toBeLessThan(24.3);
  });

  it("refuses logits that are not finite, by id", () => {
    const sampler = createSampler(3, {});
    expect(() => sampler.next(Float32Array.of(0, Number.NaN, 0), [])).toThrow(
      /logits\[1\]: expected a finite number, found NaN/,
    );
    expect(() => sampler.next(Float32Array.of(0, 0, -Infinity), [])).toThrow(/logits\[2\].*-Infinity/);
    expect(() => createSampler(1, { temperature: 0.001 }).next(Float32Array.of(3e38), [])).toThrow(
      /found 3.*Infinity after/,
    );
  });

  it("refuses another vocabulary and ids outside of it", () => {
    const sampler = createSampler(3, { repetitionPenalty: 1.1 });
    expect(() => sampler.next(new Float32Array(4), [])).toThrow("logits: expected 3 (the vocabulary), found 4.");
    expect(() => sampler.next(new Float32Array(3), [0, 3])).toThrow(
      "history[1]: expected a token id from 0 to 2, found 3.",
    );
  });
});

describe("validateSampling", () => {
  it.each([
    [
      { temperature: -1 },
      "temperature: expected 0 (always the most likely id) or a number from 0.001 to 100, found -1.",
    ],
    [{ temperature: Number.NaN }, "found NaN."],
    [{ topK: 1.5 }, "topK: expected an integer ≥ 0 (0 keeps all), found 1.5."],
    [{ topP: 0 }, "topP: expected a number above 0, up to 1 (1 keeps all), found 0."],
    [{ minP: "0.1" }, 'minP: expected a number from 0 to 1 (0 keeps all), found "0.1".'],
    [{ repetitionPenalty: 0 }, "repetitionPenalty: expected a number from 0.01 to 100 (1 is off), found 0."],
    [{ frequencyPenalty: 2.5 }, "frequencyPenalty: expected a number from -2 to 2 (0 is off), found 2.5."],
    [{ presencePenalty: -3 }, "presencePenalty: expected a number from -2 to 2 (0 is off), found -3."],
    [{ logitBias: { 5: 101 } }, 'logitBias: expected token ids, each with a number from -100 to 100, found {"5":101}.'],
    [{ logitBias: { the: 1 } }, 'found {"the":1}.'],
    [{ logitBias: { "-1": 1 } }, 'found {"-1":1}.'],
    [{ logitBias: { 1: Number.NaN } }, "found {"],
    [{ logitBias: { 1: 2n } }, 'found {"1":"2"}.'],
    [{ logitBias: [1] }, "found [1]."],
    [{ logitBias: null }, "found null."],
    [{ logitBias: "x".repeat(999) }, /found "x{79}…\.$/],
    [{ order: "vllm" }, 'order: expected transformers or llama.cpp, found "vllm".'],
    [{ seed: 0.5 }, "seed: expected an integer"],
    [{ top_k: 3 }, 'Unknown sampling setting "top_k"'],
    [{ toString: 3 }, 'Unknown sampling setting "toString"'],
  ])("refuses %o", (options, message) => {
    expect(() => validateSampling(options as object)).toThrow(message);
  });
});
