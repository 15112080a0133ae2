// A server held against a golden's logits, case by case.
import { createChecker, GoldenError, type RunCheck } from "../golden/golden-check.ts";
import type { GoldenCase, GoldenTolerance } from "../golden/golden-manifest.ts";
import { HEAD } from "../recorded/point-names.ts";
import { pieces, type RecordedRun } from "../recorded/recorded-run.ts";
import type { AskedServer } from "./ask-logprobs.ts";
import { pointOfRows, seenLikewise, servedRun } from "./served-run.ts";

/**
 * The log-probabilities that the server tells, each within the tolerance of the logits.
 * @param ask  the server, of a model with so many ids
 * @throws GoldenError when the golden has no logits, or these no tolerance; what `servedRun` throws
 */
export async function checkServed(
  ask: (vocabSize: number) => Promise<AskedServer>,
  one: GoldenCase,
  expected: RecordedRun,
  tolerances: readonly GoldenTolerance[],
  globs?: readonly string[],
): Promise<RunCheck> {
  const head = expected.points.get(HEAD);
  if (head === undefined) {
    throw new GoldenError({
      subject: `${one.name}`,
      expected: `${HEAD}, of which a server tells`,
      found: "none",
      remedy: "Make the golden with it.",
    });
  }
  const served = await servedRun(await ask(head.cols), one.ids, head.cols);
  const rows = served.rows.slice(one.positions.from, one.positions.from + head.rows);
  const likewise = seenLikewise(rows);
  for (const [from, count] of pieces(head.rows, head.cols)) {
    likewise.add((await head.read(from, count)) as Float32Array, head.cols);
  }
  const points = new Map([[HEAD, likewise.point()]]);
  const checker = await createChecker({ ...expected, points }, one, tolerances, globs);
  await checker.add(HEAD, 0, await pointOfRows(rows).read(0, rows.length));
  return {
    checks: checker.result(),
    missing: [...expected.points.keys()].filter((name) => name !== HEAD),
    unknown: [],
    notes: [...(served.notes ?? []), `not seen: ${served.unseen}`].map((note) => `${one.name}: ${note}.`),
  };
}
