// A part of what test/fuzz/leaving.ts plays.
import { expect, it } from "vitest";
import { createStage, FREE_MS } from "./leaving.ts";

it("frees the model of whoever leaves within 200 ms, and changes nobody else's bits", async () => {
  const stage = await createStage();
  try {
    for (let number = 0; number < 40; number++) {
      const { freeMs } = await stage.play(1, number);
      expect(freeMs).toBeLessThan(FREE_MS);
    }
  } finally {
    await stage.close();
  }
});
