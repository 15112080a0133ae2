// Every kind of scenario once, in this thread; test/fuzz/http.ts plays many of each, through `open`.
import { expect, it } from "vitest";
import { kinds, stalling } from "./http-scenarios.ts";
import { bytesRead, createStage, playAll } from "./run-scenario.ts";

it("opens the right model or names what is wrong, whatever a server does", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const plays = Object.keys(kinds).map((name, i) => ({ name, seed: seed + i }));
  const wrong = await Promise.all(
    [true, false].map(async (stalls) => {
      const stage = await createStage(bytesRead, stalls ? 500 : 30_000);
      return playAll(
        stage,
        plays.filter(({ name }) => stalling.includes(name) === stalls),
        12,
      );
    }),
  );
  expect(wrong.flat(), `seed ${seed}`).toEqual([]);
});
