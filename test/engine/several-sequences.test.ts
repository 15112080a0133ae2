// Steps that carry rows of several sequences: each sequence has the logits that it has alone, to the bit.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advance, createSequence, type Model, restart, type Sequence } from "../../src/engine/sequence.ts";
import { type LoadedModel, loadModel } from "../../src/load/load.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import { lmHead } from "../../src/model/model.ts";
import { open } from "../model/run.ts";
import { context } from "../ops/harness.ts";

const SEQUENCES = 3;
const MOST = 64;

async function load(folder: string, file: string, options: ModelOptions): Promise<LoadedModel> {
  const checkpoint = await open(folder, file);
  const loaded = await loadModel(
    checkpoint,
    { contextLength: MOST, ...options },
    { ...context, sequenceCount: SEQUENCES },
  );
  await Promise.all(checkpoint.files.map((opened) => opened.close()));
  return loaded;
}

/** Logits after the last row of each reading. */
function read(model: Model, readings: readonly { sequence: Sequence; ids: readonly number[] }[]): number[][] {
  const { ops, memory, weights } = model;
  const h = advance(model, readings);
  let end = 0;
  return readings.map(({ ids }) => {
    end += ids.length;
    return [...memory.read(lmHead(ops, weights, ops.rows(h, end - 1, 1)))];
  });
}

/** For each of three sequences the lengths of what it reads, one step after another; 0: it waits. */
const schedules = fc.array(fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5)), { minLength: 2, maxLength: 4 });

const modes: readonly ModelOptions[] = [
  { backend: "reference" },
  { mode: "exact" },
  { mode: "int8" },
  { mode: "int8", kvType: "int8" },
];

describe.each(modes)("several sequences, %o", (options) => {
  it.each([
    ["gguf", "Q4_0.gguf"],
    ["gguf-dense", "Q8_0.gguf"],
  ])("%s/%s: have the bits of being alone, whatever they share steps with", async (folder, file) => {
    const { model, sequences } = await load(folder, file, options);
    const { vocabSize } = model.config;
    const idOf = (sequence: number, position: number): number => (7 + 31 * sequence + 11 * position) % vocabSize;
    await fc.assert(
      fc.asyncProperty(schedules, async (steps) => {
        for (const sequence of sequences) restart(model, sequence);
        const together: number[][][] = sequences.map(() => []);
        for (const lengths of steps) {
          const readings = sequences.flatMap((sequence, s) => {
            const begin = sequence.ids.length;
            const ids = Array.from({ length: lengths[s] }, (_, t) => idOf(s, begin + t));
            return ids.length > 0 ? [{ sequence, ids, s }] : [];
          });
          if (readings.length === 0) continue;
          for (const [i, logits] of read(model, readings).entries()) together[readings[i].s].push(logits);
        }
        for (const [s, sequence] of sequences.entries()) {
          restart(model, sequence);
          const alone = steps.flatMap((lengths) => {
            const begin = sequence.ids.length;
            const ids = Array.from({ length: lengths[s] }, (_, t) => idOf(s, begin + t));
            return ids.length > 0 ? read(model, [{ sequence, ids }]) : [];
          });
          expect(together[s]).toEqual(alone);
        }
      }),
      { numRuns: options.backend === "reference" ? 1 : 8 }, // a second a run in the reference
    );
  });
});

describe("a step that fails", () => {
  it("leaves every one of its sequences as it was", async () => {
    const { model, sequences } = await load("gguf-dense", "Q8_0.gguf", { mode: "exact" });
    const [a, b, c] = sequences;
    read(model, [
      { sequence: a, ids: [10, 20] },
      { sequence: b, ids: [30] },
    ]);
    const readings = [a, b, c].map((sequence, s) => ({ sequence, ids: [40 + s, 50] }));
    let layers = 0;
    const check = (): void => {
      if (++layers === 3) throw new Error("given up");
    };
    expect(() => advance(model, readings, { check })).toThrow("given up");
    const short = createSequence(c.layers, 1, c.pages);
    expect(() => advance(model, [...readings.slice(0, 2), { sequence: short, ids: [1, 2] }])).toThrow(
      "sequence: expected at most 1 positions, found 2.",
    );
    expect(sequences.map(({ ids }) => ids)).toEqual([[10, 20], [30], []]);
    const after = read(model, readings);
    for (const [s, before] of [[10, 20], [30], []].entries()) {
      restart(model, sequences[s]);
      if (before.length > 0) read(model, [{ sequence: sequences[s], ids: before }]);
      expect(read(model, [readings[s]])).toEqual([after[s]]);
    }
  });
});
