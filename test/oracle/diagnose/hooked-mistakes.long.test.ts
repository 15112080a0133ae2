// Every mistake of the catalogue, as hooks see it in models that no signature was written on: never cleared, never misnamed.
import { afterAll, expect, it } from "vitest";
import { golden } from "../../model/run.ts";
import { type Outcome, openRecordings } from "./hooked-mistakes.ts";

const recordings = openRecordings(golden("mistakes/hooked"));
const several = openRecordings(golden("mistakes/several"), golden("mistakes/hooked"));
afterAll(() => Promise.all([recordings.close(), several.close()]));

it("recorded mistakes are found where they are, and most are named", async () => {
  const outcomes = new Map<string, Outcome>();
  const withoutModel = new Map<string, Outcome>();
  for (const pair of recordings.pairs) {
    const opened = await recordings.open(pair);
    expect(opened.first, pair.file).toBe(pair.first);
    outcomes.set(pair.mistake, (await opened.verdict(true))[0]);
    withoutModel.set(pair.mistake, (await opened.verdict(false))[0]);
    await opened.close();
  }
  const those = (found: typeof outcomes, wanted: Outcome) =>
    [...found].flatMap(([mistake, outcome]) => (outcome === wanted ? [mistake] : []));
  expect(outcomes.size).toBeGreaterThan(160);
  for (const found of [outcomes, withoutModel]) {
    expect([...those(found, "wrong"), ...those(found, "cleared"), ...those(found, "silent")]).toEqual([]);
  }
  expect(those(outcomes, "right").length).toBeGreaterThanOrEqual(155);
  expect(those(withoutModel, "right").length).toBeGreaterThanOrEqual(135);
});

it("of two or three mistakes at once, every one is named", async () => {
  expect(several.pairs.length).toBe(4);
  for (const pair of several.pairs) {
    const opened = await several.open(pair);
    expect(opened.first, pair.file).toBe(pair.first);
    expect([pair.mistake, (await opened.verdict(true))[0]]).toEqual([pair.mistake, "right"]);
    await opened.close();
  }
});
