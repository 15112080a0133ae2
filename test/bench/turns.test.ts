// Runs that take turns: the one that has come least far goes on, and each clock counts its own steps alone.
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createTurns } from "../../src/bench/product/turns.ts";

describe("turns", () => {
  it("go to the run that has come least far", async () => {
    const [one, two] = createTurns(2);
    const order: string[] = [];
    const run = async (name: string, turn: typeof one, ids: number, steps: number): Promise<void> => {
      for (let step = 0; step < steps; step++) {
        await turn.wait();
        order.push(name);
        for (let id = 0; id < ids; id++) turn.progress();
      }
      turn.end();
    };
    await Promise.all([run("one", one, 1, 4), run("two", two, 2, 2)]);
    expect(order.join(" ")).toBe("one two one one two one");
  });

  it("count the time of a run's own steps, from its beginning on", async () => {
    const [one, two] = createTurns(2);
    const run = async (turn: typeof one, ms: number): Promise<void> => {
      await turn.wait();
      await setTimeout(50); // before the first id
      turn.begin();
      for (let step = 0; step < 3; step++) {
        await turn.wait();
        await setTimeout(ms);
        turn.progress();
      }
      turn.end();
    };
    await Promise.all([run(one, 0), run(two, 100)]);
    expect(one.ms).toBeLessThan(100);
    expect(two.ms).toBeGreaterThan(250);
  });
});
