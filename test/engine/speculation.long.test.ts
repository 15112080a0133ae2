// The same over 200 prompts, in every mode; test/fuzz/speculation.ts does as many as it is told.
import { expect, it } from "vitest";
import { differenceOf, openPair } from "./speculation.ts";

it.each([
  [{}, 0, 110],
  [{ mode: "exact" }, 110, 150],
  [{ kvType: "int8" }, 150, 180],
  [{ mode: "exact", kvType: "f16" }, 180, 200],
] as const)(
  "speculation gives the ids and the bits of plain decoding, %o, prompts %i to %i",
  async (options, from, to) => {
    const pair = await openPair(options);
    for (let number = from; number < to; number++) {
      expect([number, await differenceOf(pair, 14, number)]).toEqual([number, undefined]);
    }
  },
);
