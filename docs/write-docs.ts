// Writes docs/formats.md and docs/mistakes.md, and what is made in docs/lfm2.md: npm run docs
import { readFileSync, writeFileSync } from "node:fs";
import { formatsMarkdown } from "./formats.ts";
import { lfm2Markdown } from "./lfm2.ts";
import { mistakesMarkdown } from "./mistakes.ts";

writeFileSync(new URL("./formats.md", import.meta.url), formatsMarkdown());
writeFileSync(new URL("./mistakes.md", import.meta.url), mistakesMarkdown());
const lfm2 = new URL("./lfm2.md", import.meta.url);
writeFileSync(lfm2, await lfm2Markdown(readFileSync(lfm2, "utf8")));
