// Writes docs/formats.md and docs/mistakes.md, what is made in docs/lfm2.md, and docs/exercises.md where it is asked for:
// npm run docs, npm run docs -- --exercises
import { readFileSync, writeFileSync } from "node:fs";
import { exercisesMarkdown } from "./exercises.ts";
import { formatsMarkdown } from "./formats.ts";
import { lfm2Markdown } from "./lfm2.ts";
import { mistakesMarkdown } from "./mistakes.ts";

writeFileSync(new URL("./formats.md", import.meta.url), formatsMarkdown());
writeFileSync(new URL("./mistakes.md", import.meta.url), mistakesMarkdown());
const lfm2 = new URL("./lfm2.md", import.meta.url);
writeFileSync(lfm2, await lfm2Markdown(readFileSync(lfm2, "utf8")));
if (process.argv.includes("--exercises")) {
  writeFileSync(new URL("./exercises.md", import.meta.url), await exercisesMarkdown());
}
