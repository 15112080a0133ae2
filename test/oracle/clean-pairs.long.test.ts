// A sample of the clean pairs, on a model that the golden dumps are not of: no alarm, and each is called what it is.
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { lfm2 } from "../cli/lfm2.ts";
import { judged, recordedPairs } from "./clean-pair.ts";

const pairs = recordedPairs(fileURLToPath(new URL("../../golden/dumps/clean/", import.meta.url)));

it.each(pairs.map((pair) => [pair.way, pair] as const))("%s", async (_, pair) => {
  expect(await judged(pair, lfm2)).toMatchObject({ isTrue: true });
});

it("an alarm is heard: another model, and another thing to be said", async () => {
  const [pair] = pairs;
  const [flag, , ...rest] = pair.arguments;
  const other = { ...pair, arguments: [flag, pair.folder.replace(/plain$/, "dense"), ...rest] };
  expect((await judged(other, lfm2)).isTrue).toBe(false);
  expect((await judged({ ...pair, says: "something else" }, lfm2)).isTrue).toBe(false);
});
