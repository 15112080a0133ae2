// Recordings of transformers' own code, with a mistake in it or without: where they leave the true run, and what is said
// to be the cause.
import { readFileSync } from "node:fs";
import { afterAll, expect } from "vitest";
import { type Comparison, compareRuns } from "../../../src/oracle/compare/compare.ts";
import { diagnose } from "../../../src/oracle/diagnose/diagnose.ts";
import { type ModelWeights, modelWeights } from "../../../src/oracle/diagnose/model-weights.ts";
import { readyMaps } from "../../../src/oracle/recorded/name-map.ts";
import { openArrays } from "../../../src/oracle/recorded/open-arrays.ts";
import type { RecordedRun } from "../../../src/oracle/recorded/recorded-run.ts";
import { openFile } from "../../../src/sources/disk.ts";
import { golden, load, open } from "../../model/run.ts";
import { isOuter, recordRun } from "../memory-run.ts";
import { causesOf } from "./mistake-causes.ts";

export interface Recording {
  readonly file: string;
  readonly model: string;
  readonly mistake: string;
  readonly what: string;
  /** Of the true run. */
  readonly ids: readonly number[];
  /** The first point that differs: with every point recorded, and with those between modules alone. */
  readonly first: string | null;
  readonly firstOuter: string | null;
}

export const recordings: Recording[] = JSON.parse(readFileSync(golden("mistakes/mistakes.json"), "utf8"));

/** Cannot be told from a trace alone, however much it holds. */
const needWeights = ["expert-w1-w3-exchanged"];

/** Hooks see neither; the recordings have them under our names. */
const inner = ["model.layers.{layer}.conv.conv", "model.layers.{layer}.feed_forward.experts.w2"];
const innerNames = Object.fromEntries(inner.map((name) => [name, name]));
/** The first pattern that fits counts, but of the same one the last name. */
const names = { ...innerNames, ...readyMaps.hf, ...innerNames };

const grounds = new Map<string, ReturnType<typeof prepare>>();

/** The true run, by this project's reference, and the weights of the model. */
export function groundOf(one: Recording): ReturnType<typeof prepare> {
  const ground = grounds.get(one.model) ?? prepare(one);
  grounds.set(one.model, ground);
  return ground;
}

async function prepare({ model: name, ids }: Recording) {
  const checkpoint = await open(`transformers/${name}`);
  const { model, sequences } = await load(checkpoint, { backend: "reference" });
  const about = { config: checkpoint.config, backend: "reference", mode: "exact", kvType: "f32" };
  const run = recordRun(model, sequences[0], Int32Array.from(ids), { about });
  const again = await open(`transformers/${name}`);
  return { run, weights: modelWeights(again), files: again.files };
}

afterAll(async () => {
  for (const ground of grounds.values()) await Promise.all((await ground).files.map((file) => file.close()));
});

export const opened = async ({ file }: Recording): Promise<RecordedRun> =>
  openArrays(await openFile(golden(`mistakes/${file}`)), names);

/** As a runtime records that has no names for what is inside its modules. */
function outside(run: RecordedRun): RecordedRun {
  return { ...run, points: new Map([...run.points].filter(([name]) => isOuter(name))) };
}

async function expectCause(comparison: Comparison, cause: string, weights: ModelWeights): Promise<void> {
  const { guess } = await diagnose(comparison, weights);
  expect(guess).toMatchObject({ cause, kind: "bug", side: "B" });
  expect(guess?.evidence).toMatch(/\d/);
}

export async function expectNamed(_: string, __: string, one: Recording): Promise<void> {
  const [{ run: clean, weights }, run] = [await groundOf(one), await opened(one)];
  const [cause] = causesOf[one.mistake];
  const comparison = await compareRuns(clean, run);
  expect(comparison.first?.name).toBe(one.first);
  await expectCause(comparison, cause, weights);
  // A recording alone is enough for most, for it holds what an operation reads and what it gives.
  const { guess } = await diagnose(comparison);
  expect(guess?.cause).toBe(needWeights.includes(one.mistake) ? undefined : cause);

  const outer = await compareRuns(outside(clean), outside(run));
  expect(outer.first?.name).toBe(one.firstOuter);
  await expectCause(outer, cause, weights);

  const turned = await compareRuns(run, clean);
  expect((await diagnose(turned, weights)).guess).toMatchObject({ cause, side: "A" });
  await run.close();
}

const mistaken = recordings.filter(({ first }) => first !== null);
/** By mistake, each in two or more models. */
export const byMistake = [...new Set(mistaken.map(({ mistake }) => mistake))].map((kind) =>
  mistaken.filter(({ mistake }) => mistake === kind),
);

/** Of each mistake one recording, by turns in one model or another. */
export const sample = byMistake.map((all, i) => all[i % all.length]);
export const others = mistaken.filter((one) => !sample.includes(one));

export const titled = (some: readonly Recording[]) => some.map((one) => [one.what, one.model, one] as const);
