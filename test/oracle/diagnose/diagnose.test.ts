// Every known mistake, planted: where the runs part, and what is said to be the cause.
import { describe, expect, it } from "vitest";
import { type Comparison, compareRuns } from "../../../src/oracle/compare/compare.ts";
import { diagnose } from "../../../src/oracle/diagnose/diagnose.ts";
import { type ModelWeights, modelWeights } from "../../../src/oracle/diagnose/model-weights.ts";
import type { RecordedRun } from "../../../src/oracle/recorded/recorded-run.ts";
import { load } from "../../model/run.ts";
import { isOuter, recordRun } from "../memory-run.ts";
import { randomIds, randomModel, shapeX, shapeY } from "../random-model.ts";
import { type PlantedBug, placesOf, planted, plantedBugs } from "./planted-bugs.ts";

const POSITIONS = 24;

/** A model, what it gives, and what it gives with a mistake in it. */
async function ground(shape: typeof shapeX, seed: number) {
  const checkpoint = await randomModel(shape, seed);
  const { model, sequences } = await load(checkpoint, { backend: "reference" });
  const ids = Int32Array.of(1, ...randomIds(model.config.vocabSize, POSITIONS - 1, seed));
  const about = { config: checkpoint.config, backend: "reference", mode: "exact", kvType: "f32" };
  const clean = recordRun(model, sequences[0], ids, { about });
  const buggy = (bug: PlantedBug): RecordedRun =>
    recordRun(planted(model, bug), sequences[0], bug.ids?.(ids) ?? ids, { about, step: bug.step });
  return { places: placesOf(model.config), weights: modelWeights(checkpoint), clean, buggy };
}

/** As a runtime records that has no names for what is inside its modules. */
function outside(run: RecordedRun): RecordedRun {
  return { ...run, points: new Map([...run.points].filter(([name]) => isOuter(name))) };
}

const grounds = [
  ["the shape that the signatures were written on", shapeX, 1],
  ["another shape and seed", shapeY, 7],
] as const;

describe.each(grounds)("a planted bug, on %s", (_, shape, seed) => {
  const prepared = ground(shape, seed);

  const possible = plantedBugs.filter(({ needsScaling }) => !needsScaling || shape.rope_parameters !== undefined);
  it.each(possible.map((bug) => [bug.what, bug] as const))("%s", async (_, bug) => {
    const { places, weights, clean, buggy } = await prepared;
    const run = buggy(bug);
    const comparison = await compareRuns(clean, run);
    expect(comparison.first?.name).toBe(bug.at(places));
    await expectCause(comparison, bug, weights);
    // A recording alone is enough for most, for it holds what an operation reads and what it gives.
    const { guess } = await diagnose(comparison);
    expect(guess?.cause).toBe(bug.needsWeights ? undefined : bug.cause);

    const outer = await compareRuns(outside(clean), outside(run));
    expect(outer.first?.name).toBe((bug.outerAt ?? bug.at)(places));
    await expectCause(outer, bug, weights);

    const turned = await compareRuns(run, clean);
    expect((await diagnose(turned, weights)).guess).toMatchObject({ cause: bug.cause, side: "A" });
  });
});

async function expectCause(comparison: Comparison, bug: PlantedBug, weights: ModelWeights): Promise<void> {
  const { guess } = await diagnose(comparison, weights);
  expect(guess).toMatchObject({ cause: bug.cause, kind: "bug", side: "B" });
  expect(guess?.evidence).toMatch(/\d/);
}
