// docs/formats.md: the lists of what is read, made from the tables that the readers hold files against.
//
// Written by: npm run docs
import { configJsonKeys, generationConfigKeys, ropeKeys } from "../src/formats/config-json-keys.ts";
import { ggufArchitectureKeys, ggufKeys } from "../src/formats/gguf-known-keys.ts";
import type { KeyTable } from "../src/formats/known-keys.ts";

const sections: readonly (readonly [title: string, intro: string, table: KeyTable])[] = [
  [
    "config.json",
    "Unknown keys are warned of. A key that is absent, where no default is told, is not needed; null says nothing.",
    configJsonKeys,
  ],
  ["rope_parameters and rope_scaling", "Within config.json. Unknown keys are warned of.", ropeKeys],
  [
    "generation_config.json",
    "Other keys are warned of, unless they say that nothing is done (0, false, null, a penalty of 1).",
    generationConfigKeys,
  ],
  [
    "GGUF: keys of the architecture",
    "After `lfm2.` or `lfm2moe.`. Any other key there is refused by its name.",
    ggufArchitectureKeys,
  ],
  ["GGUF: keys of every file", "Unknown keys are warned of.", ggufKeys],
];

/** The whole document. */
export function formatsMarkdown(): string {
  const parts = sections.map(([title, intro, table]) => `## ${title}\n\n${intro}\n\n${rows(table)}`);
  return `${HEAD}\n\n${parts.join("\n\n")}\n`;
}

const HEAD = `# What is read of a model's files

This list is made from the tables that files are held against (\`npm run docs\`). A key is *read*; or the architecture knows
*only* one value of it, so that others are refused by name; or it has *no effect* here, for the reason given. What is
warned of is in \`model.warnings\`, on standard error, and in \`lfm2 inspect\`.`;

function rows(table: KeyTable): string {
  const lines = table.map(({ keys, use, values, says, by }) => {
    const accepted =
      values === undefined ? "" : `: ${values.map((value) => `\`${JSON.stringify(value)}\``).join(", ")}`;
    const names = keys.map((key) => `\`${key}\``).join(" ");
    return `| ${names} | ${use}${accepted} | ${says}${by === undefined ? "" : ` Written by ${by}.`} |`;
  });
  return ["| key | | |", "| --- | --- | --- |", ...lines].join("\n");
}
