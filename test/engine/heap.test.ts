// A long generation must not leave anything behind: no garbage that stays, no memory that grows.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { createEngine } from "../../src/load/load.ts";
import { least } from "../least.ts";
import { load, open } from "../model/run.ts";
import { idsOf, schedulerOver } from "./one-answer.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");
const WARM_UP = 300;
const TOKENS = 2000;

it("holds no more after 2,000 tokens than before them, but their ids", async () => {
  const loaded = await load(await open("nano", "lfm2-nano-Q4_0.gguf"), { contextLength: 2400 });
  const engine = createEngine(loaded);
  const options = { sampling: { temperature: 1, seed: 1 }, maxTokens: WARM_UP + TOKENS, stopIds: [] };
  const held = (): number => {
    collect();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + external + arrayBuffers;
  };
  // Two lists of ids, which double as they grow: 2 · 2 · 8 bytes · 2,000 at most. The rest is what V8 learns of the code.
  const most = 64_000 + 200_000;
  const [more] = await least([most], async () => {
    let [before, after] = [0, 0];
    const ids = await idsOf(schedulerOver(engine), [1, 6, 330], options, (count) => {
      if (count === WARM_UP) before = held();
      if (count === WARM_UP + TOKENS) after = held();
    });
    expect(ids.length).toBe(WARM_UP + TOKENS);
    return [after - before];
  });
  expect(more).toBeLessThan(most);
  expect(loaded.backend.bytes).toBeGreaterThan(0);
});
