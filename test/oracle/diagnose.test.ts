// Every known mistake, planted: where the runs part, and what is said to be the cause.
import { describe, expect, it } from "vitest";
import type { LoadedModel } from "../../src/load.ts";
import { type Comparison, compareRuns } from "../../src/oracle/compare.ts";
import { diagnose } from "../../src/oracle/diagnose.ts";
import { type ModelWeights, modelWeights } from "../../src/oracle/model-weights.ts";
import type { RecordedRun } from "../../src/oracle/recorded-run.ts";
import { load } from "../model/run.ts";
import { isOuter, recordRun } from "./memory-run.ts";
import { type PlantedBug, placesOf, planted, plantedBugs } from "./planted-bugs.ts";
import { randomIds, randomModel, shapeX, shapeY } from "./random-model.ts";

const POSITIONS = 24;

interface Ground {
  readonly loaded: LoadedModel;
  readonly weights: ModelWeights;
  readonly ids: Int32Array;
  clean(select?: (name: string) => boolean): RecordedRun;
  buggy(bug: PlantedBug, select?: (name: string) => boolean): RecordedRun;
}

async function ground(shape: typeof shapeX, seed: number): Promise<Ground> {
  const checkpoint = await randomModel(shape, seed);
  const loaded = await load(checkpoint, { backend: "reference" });
  const { model, state } = loaded;
  const ids = Int32Array.of(1, ...randomIds(model.config.vocabSize, POSITIONS - 1, seed));
  const about = { config: checkpoint.config, backend: "reference", mode: "exact", kvType: "f32" };
  return {
    loaded,
    weights: modelWeights(checkpoint),
    ids,
    clean: (select) => recordRun(model, state, ids, { about, select }),
    buggy: (bug, select) =>
      recordRun(planted(model, bug), state, bug.ids?.(ids) ?? ids, { about, select, step: bug.step }),
  };
}

const grounds = [
  ["the shape they were written on", shapeX, 1],
  ["another shape", shapeY, 7],
  ["another seed", shapeY, 8],
] as const;

describe.each(grounds)("a planted bug, on %s", (_, shape, seed) => {
  it.each(plantedBugs.map((bug) => [bug.what, bug] as const))("%s", async (_, bug) => {
    const { loaded, weights, clean, buggy } = await ground(shape, seed);
    const places = placesOf(loaded.model.config);
    const comparison = await compareRuns(clean(), buggy(bug));
    expect(comparison.first?.name).toBe(bug.at(places));
    await expectCause(comparison, bug, weights);
    // A recording alone is enough for most, for it holds what an operation reads and what it gives.
    const { guess } = await diagnose(comparison);
    expect(guess?.cause).toBe(bug.needsWeights ? undefined : bug.cause);

    const outer = await compareRuns(clean(isOuter), buggy(bug, isOuter));
    expect(outer.first?.name).toBe((bug.outerAt ?? bug.at)(places));
    await expectCause(outer, bug, weights);

    const turned = await compareRuns(buggy(bug), clean());
    expect((await diagnose(turned, weights)).guess).toMatchObject({ cause: bug.cause, side: "A" });
  });
});

async function expectCause(comparison: Comparison, bug: PlantedBug, weights: ModelWeights): Promise<void> {
  const { guess } = await diagnose(comparison, weights);
  expect(guess).toMatchObject({ cause: bug.cause, kind: "bug", side: "B" });
  expect(guess?.evidence).toMatch(/\d/);
}
