// A sample of what test/fuzz/tensors.ts plays by the thousand: every way to change a tensor, and no wrong bits.
import { beforeAll, describe, expect, it } from "vitest";
import { playTensors, prepareTensors } from "../fuzz/changed-tensors.ts";
import { diceOf } from "../fuzz/dice.ts";

beforeAll(prepareTensors);

describe("a model with a tensor or two changed", () => {
  it("gives the same bits, or a named error, or is another valid file; and is quantized only where it runs", async () => {
    const endings = new Map<string, number>();
    for (let number = 0; number < 150; number++) {
      const ending = (await playTensors(diceOf(20, number))).split(":")[0];
      endings.set(ending, (endings.get(ending) ?? 0) + 1);
    }
    expect([...endings.keys()].sort()).toEqual(["FormatError", "not written", "other bits", "the same bits"]);
    expect(endings.get("FormatError")).toBeGreaterThan(75);
    expect(endings.get("the same bits")).toBeGreaterThan(15);
  });
});
