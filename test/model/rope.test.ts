// RoPE under many parameters, against transformers, and through GGUF's keys and back.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configOfGguf } from "../../src/formats/gguf/config.ts";
import { metadataOf } from "../../src/formats/gguf/metadata.ts";
import { type Config, readConfig } from "../../src/model/config.ts";
import { ConfigError } from "../../src/model/config-keys.ts";
import { rotationOf } from "../../src/model/rope.ts";
import { golden } from "./run.ts";

interface RopeCase {
  readonly config: Record<string, unknown>;
  readonly inverse_frequency: readonly number[];
  readonly attention_factor: number;
}

const cases: readonly RopeCase[] = JSON.parse(readFileSync(golden("config/rope.json"), "utf8")).cases;
const yarnOf = ({ ropeScaling }: Config) => (ropeScaling?.ropeType === "yarn" ? ropeScaling : undefined);

describe("rotationOf", () => {
  it("has transformers' frequencies and attention factor", () => {
    for (const { config: raw, inverse_frequency: expected, attention_factor: factor } of cases) {
      const config = readConfig(raw);
      const { inverseFrequency, attentionFactor } = rotationOf(config);
      expect(attentionFactor, JSON.stringify(raw)).toBeCloseTo(factor, 6);
      expect(inverseFrequency).toHaveLength(expected.length);
      for (const [j, value] of inverseFrequency.entries()) {
        // float32 powers within an ulp or two of PyTorch's; what follows is rounded alike.
        expect(Math.abs(value / expected[j] - 1), JSON.stringify([raw, j])).toBeLessThan(5e-7);
      }
    }
    const kinds = cases.map(({ config }) => readConfig(config)).map(({ ropeScaling }) => ropeScaling?.ropeType);
    expect(new Set(kinds)).toEqual(new Set(["linear", "yarn"]));
  });

  it("is finite, whatever YaRN is accepted with", () => {
    const number = fc.oneof(
      { weight: 3, arbitrary: fc.double({ min: 1e-7, max: 1e6, noNaN: true }) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 1 << 20 }) },
      { weight: 1, arbitrary: fc.constantFrom(null, 0, 1, -1, 1e-320, 1e12, Number.POSITIVE_INFINITY) },
    );
    const parameters = fc.record(
      {
        rope_theta: number,
        factor: number,
        original_max_position_embeddings: number,
        beta_fast: number,
        beta_slow: number,
        mscale: number,
        mscale_all_dim: number,
        truncate: fc.boolean(),
      },
      { requiredKeys: ["factor"] },
    );
    let accepted = 0;
    fc.assert(
      fc.property(parameters, (rope) => {
        let config: Config;
        try {
          config = readConfig({ model_type: "lfm2", rope_parameters: { rope_type: "yarn", ...rope } });
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          return;
        }
        accepted++;
        const { inverseFrequency, attentionFactor } = rotationOf(config);
        expect([...inverseFrequency, attentionFactor].every(Number.isFinite), JSON.stringify(rope)).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(accepted).toBeGreaterThan(10);
  });

  it("has the same bits after a way through GGUF's keys", () => {
    const configs = cases
      .map(({ config }) => readConfig(config))
      .filter((config) => yarnOf(config)?.truncate !== false);
    expect(configs.length).toBeGreaterThan(30);
    for (const config of configs) {
      const metadata = metadataOf(config, "Q8_0", "model");
      const again = readConfig(configOfGguf("m.gguf", metadata, [], []).config);
      expect(rotationOf(again), JSON.stringify(config)).toEqual(rotationOf(config));
    }
  });

  it("is not written as GGUF where that has no key for it", () => {
    const config = cases.map(({ config: raw }) => readConfig(raw)).find((one) => yarnOf(one)?.truncate === false);
    expect(() => metadataOf(config as Config, "Q8_0", "model")).toThrow(
      "rope_parameters.truncate: expected true, as GGUF has no key that says otherwise, found false.",
    );
  });
});
