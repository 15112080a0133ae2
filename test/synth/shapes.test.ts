// The published shapes: as many parameters as published, and memory that is planned for each.
import { describe, expect, it } from "vitest";
import type { FormatName } from "../../src/blocks/formats.ts";
import type { StoredTensor } from "../../src/formats/checkpoint.ts";
import { checkedConfig } from "../../src/formats/hf/config.ts";
import { bytesOfTensor } from "../../src/formats/streamed-tensor.ts";
import { planMemory } from "../../src/load/plan-memory.ts";
import { readConfig } from "../../src/model/config.ts";
import { parametersOf, tensorNameOf, tensorShapeOf } from "../../src/parameters/find-parameters.ts";
import { mixOf } from "../../src/quantize/mix.ts";
import { type ShapeName, shapes } from "../../src/synth/shapes.ts";
import { context } from "../ops/harness.ts";

/** As published, or else by their formula, which gives these. */
const published: Record<ShapeName, number> = {
  "lfm2-350m": 354_483_968,
  "lfm2-700m": 742_489_344,
  "lfm2-1.2b": 1_170_340_608,
  "lfm2-2.6b": 2_569_272_320,
  "lfm2.5-2.6b": 2_697_198_592,
  "lfm2-8b-a1b": 8_339_930_560,
  "lfm2.5-8b-a1b": 8_467_856_832,
  "lfm2-24b-a2b": 23_843_661_440,
};

describe.each(Object.entries(published))("%s", (name, parameters) => {
  const raw = shapes[name as ShapeName];
  const config = readConfig(raw);
  const stored = parametersOf(config).map((spec) => ({ name: tensorNameOf(spec), shape: tensorShapeOf(spec) }));

  it("has as many parameters as the published model, and a config without unknown keys", () => {
    const count = stored.reduce((sum, { shape }) => sum + shape.reduce((product, axis) => product * axis, 1), 0);
    expect(count).toBe(parameters);
    const warnings: string[] = [];
    checkedConfig(raw, "config.json", warnings);
    expect(warnings).toEqual([]);
  });

  it("fits its banks in Q4_0, and its file's bytes are all planned for", () => {
    const mix = mixOf("Q4_0", stored);
    const tensors = new Map(
      stored.map((tensor): [string, StoredTensor] => {
        const whole = { ...tensor, format: mix.get(tensor.name) as FormatName };
        return [tensor.name, { ...whole, parts: [{ file: 0, offset: 0, bytes: bytesOfTensor(whole) }] }];
      }),
    );
    const { banks } = planMemory({ config: raw, tensors }, { contextLength: 4096 }, context.machine);
    const fileBytes = [...tensors.values()].reduce((sum, tensor) => sum + bytesOfTensor(tensor), 0);
    const weights = banks.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
    expect(weights).toBeGreaterThanOrEqual(fileBytes);
    expect(weights).toBeLessThan(1.01 * fileBytes + 2 ** 20);
    const total = banks.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { bytes } of banks) expect(bytes).toBeLessThanOrEqual(2 ** 32);
    // A machine of 24 GB runs the largest of them.
    expect(total).toBeLessThan(15e9);
  });
});
