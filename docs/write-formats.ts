// Writes docs/formats.md: npm run docs
import { writeFileSync } from "node:fs";
import { formatsMarkdown } from "./formats.ts";

writeFileSync(new URL("./formats.md", import.meta.url), formatsMarkdown());
