// Writes docs/formats.md and docs/mistakes.md: npm run docs
import { writeFileSync } from "node:fs";
import { formatsMarkdown } from "./formats.ts";
import { mistakesMarkdown } from "./mistakes.ts";

writeFileSync(new URL("./formats.md", import.meta.url), formatsMarkdown());
writeFileSync(new URL("./mistakes.md", import.meta.url), mistakesMarkdown());
