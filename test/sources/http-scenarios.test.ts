// Every kind of scenario once, in this thread; test/fuzz/http.ts plays many of each, through `open`.
import { expect, it } from "vitest";
import { kinds, stalling } from "./http-scenarios.ts";
import { bytesRead, createStage, playAll } from "./run-scenario.ts";

it("opens the right model or names what is wrong, whatever a server does", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const plays = Object.keys(kinds).map((name, i) => ({ name, seed: seed + i }));
  const wrong = await Promise.all(
    [true, false].map(async (stalls) => {
      const some = plays.filter(({ name }) => stalling.includes(name) === stalls);
      if (!stalls) return playAll(await createStage(bytesRead, 30_000), some, 12);
      const hasty = await playAll(await createStage(bytesRead, 500), some, 12);
      // Half a second of a busy machine looks like a server that stalls: these again, with more patience.
      return playAll(await createStage(bytesRead, 5000), hasty, 12);
    }),
  );
  const told = wrong.flat().map((failure) => failure.told);
  expect(told, told.join("\n")).toEqual([]);
});
