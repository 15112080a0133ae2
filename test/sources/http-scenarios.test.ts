// Every kind of scenario once, in this thread; test/fuzz/http.ts plays many of each, through `open`.
import { expect, it } from "vitest";
import { kinds, stalling } from "./http-scenarios.ts";
import { bytesRead, createStage, playAll } from "./run-scenario.ts";

it("opens the right model or names what is wrong, whatever a server does", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const others = Object.keys(kinds).filter((kind) => !stalling.includes(kind));
  const stages = await Promise.all([500, 30_000].map((stallMs) => createStage(bytesRead, stallMs)));
  const wrong = await Promise.all([
    playAll(stages[0], stalling, seed, stalling.length),
    playAll(stages[1], others, seed, 12),
  ]);
  expect(wrong.flat(), `seed ${seed}`).toEqual([]);
});
