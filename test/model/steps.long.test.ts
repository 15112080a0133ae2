// The embedded model over hundreds of positions: the same bits in steps of any length.
import { describe, expect, it } from "vitest";
import { seeded } from "../ops/harness.ts";
import { load, logitsOf, open } from "./run.ts";

describe("the embedded model", () => {
  it.each(["exact", "int8"] as const)(
    "gives the same bits in steps of 1, 7 and 512 over 600 positions, %s",
    async (mode) => {
      const loaded = await load(await open("nano", "lfm2-nano-Q4_0.gguf"), { mode });
      const random = seeded(8);
      const ids = Int32Array.from({ length: 600 }, () => Math.floor(random() * loaded.model.config.vocabSize));
      const whole = logitsOf(loaded, ids, 512);
      for (const step of [1, 7]) expect(logitsOf(loaded, ids, step), `steps of ${step}`).toEqual(whole);
    },
  );
});
