// docs/exercises.md says what becomes of each broken line.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { exercisesMarkdown } from "../../docs/exercises.ts";

it("every exercise of docs/exercises.md has the outcome that is told there (npm run docs -- --exercises)", async () => {
  const written = readFileSync(new URL("../../docs/exercises.md", import.meta.url), "utf8");
  expect(await exercisesMarkdown()).toBe(written);
});
