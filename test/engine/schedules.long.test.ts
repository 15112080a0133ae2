// The same as schedules.test.ts, ten times as often, and over every kind of arithmetic and cache.
import { describe, it } from "vitest";
import { play, rigOf } from "./schedules.ts";
import { modes } from "./shared-beginning.ts";

describe("every answer has the bits of being alone", () => {
  it("over 500 random schedules", async () => {
    const rig = await rigOf({ mode: "int8" });
    for (let number = 0; number < 500; number++) await play(rig, 2, number);
  });

  it.each(modes.filter(({ backend }) => backend === undefined))("over 50 each, %o", async (options) => {
    const rig = await rigOf(options);
    for (let number = 0; number < 50; number++) await play(rig, 3, number);
  });
});
