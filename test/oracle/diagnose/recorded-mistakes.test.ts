// Recorded mistakes, each in one model: the other models are recorded-mistakes.long.test.ts.
import { describe, expect, it } from "vitest";
import { compareRuns } from "../../../src/oracle/compare/compare.ts";
import { byMistake, expectNamed, groundOf, opened, recordings, sample, titled } from "./recorded-mistakes.ts";

describe("a recorded mistake", () => {
  it.each(titled(sample))("%s, in %s", expectNamed);

  it("is there for each of 23, in two models", () => {
    expect(byMistake.length).toBe(23);
    for (const all of byMistake) expect(all.length).toBeGreaterThan(1);
  });
});

describe("a recording without a mistake", () => {
  const clean = recordings.filter(({ first }) => first === null);

  it.each(titled(clean))("%s, of %s, is equal", async (_, __, one) => {
    const [{ run: expected }, run] = [await groundOf(one), await opened(one)];
    const comparison = await compareRuns(expected, run);
    expect(comparison).toMatchObject({ equal: true, idsDifferAt: -1 });
    expect(comparison.points.length).toBe(run.points.size);
    await run.close();
  });
});
