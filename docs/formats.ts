// docs/formats.md: the lists of what is read, made from the tables that the readers hold files against.
//
// Written by: npm run docs
import { blockFormats } from "../src/blocks/formats.ts";
import { folderFiles } from "../src/formats/folder-files.ts";
import { ggufArchitectureKeys, ggufKeys } from "../src/formats/gguf/known-keys.ts";
import { configJsonKeys, generationConfigKeys, ropeKeys } from "../src/formats/hf/config-json-keys.ts";
import { quantizationMethods } from "../src/formats/hf/quantized-weights.ts";
import { knownSpellings } from "../src/formats/hf/spellings.ts";
import { tokenizerConfigKeys } from "../src/formats/hf/tokenizer-config-keys.ts";
import type { KeyTable } from "../src/formats/known-keys.ts";
import { refusedTensors, unusedTensors } from "../src/formats/other-tensors.ts";

const sections: readonly (readonly [title: string, intro: string, table: KeyTable])[] = [
  [
    "config.json",
    "Unknown keys give a warning. One whose value is null does not. A key that has no default here may be absent.",
    configJsonKeys,
  ],
  ["rope_parameters and rope_scaling", "Within config.json. Unknown keys give a warning.", ropeKeys],
  [
    "generation_config.json",
    "Other keys give a warning, unless their value means that nothing is done (0, false, null, a penalty of 1).",
    generationConfigKeys,
  ],
  [
    "tokenizer_config.json",
    "Other keys give a warning, unless they are false or null. If there is no `added_tokens_decoder`, the older special_tokens_map.json and added_tokens.json are read, too, as in transformers.",
    tokenizerConfigKeys,
  ],
  [
    "GGUF: keys of the architecture",
    "After `lfm2.` or `lfm2moe.`. Any other key there is refused by its name.",
    ggufArchitectureKeys,
  ],
  ["GGUF: keys of every file", "Unknown keys give a warning.", ggufKeys],
];

/** The whole document. */
export function formatsMarkdown(): string {
  const parts = sections.map(([title, intro, table]) => `## ${title}\n\n${intro}\n\n${rows(table)}`);
  return `${HEAD}\n\n${[...parts, tensors(), files()].join("\n\n")}\n`;
}

function tensors(): string {
  const spellings = knownSpellings.map(([names, by]) => [code(names), by]);
  const unused = unusedTensors.map(({ like, why }) => [code(like), `not used, with a warning: ${why}`]);
  const refused = refusedTensors.map(({ like, what }) => [code(like), `refused: ${what}`]);
  return `## Tensors

Types of safetensors: F32, F16 and BF16, which may be mixed within the experts of a layer. Types of GGUF: ${Object.keys(blockFormats).join(", ")}. Axes of size 1 do not
count. If the config ties the head to the embedding but a head is stored and differs, the stored head is used, with a warning.
Beside the names of published checkpoints, these are understood:

${table(spellings)}

Every other tensor must have a place in the graph. The tensors below have none. Integers, single numbers and empty tensors
of other names are left out with a warning; any other tensor is refused by its name.

${table([...unused, ...refused])}

Quantized safetensors are refused, with the name of the method: ${[...new Set([...Object.values(quantizationMethods), "MLX"])].join("; ")}.`;
}

function files(): string {
  return `## Files of a folder

Weights are \`model.safetensors\` or what \`model.safetensors.index.json\` names, never both. The files below may matter, and
give a warning. On a web server, where a folder cannot be listed, these names are asked for. All other files have no effect.

${table(folderFiles.map(({ like, what }) => [code(like), what]))}`;
}

function code(names: string): string {
  return names.includes(" ") && !names.includes(",") ? names : `\`${names.replaceAll(", ", "`, `")}\``;
}

function table(lines: readonly (readonly string[])[]): string {
  return ["| | |", "| --- | --- |", ...lines.map((cells) => `| ${cells.join(" | ")} |`)].join("\n");
}

const HEAD = `# What is read from a model's files

This list is made from the tables that files are checked against (\`npm run docs\`). A key is *read*; or the architecture has
*only* one value for it, and another value is refused by name; or it has *no effect* here, for the reason given. Warnings
are in \`model.warnings\`, on standard error, and in \`lfm2 inspect\`.`;

function rows(table: KeyTable): string {
  const lines = table.map(({ keys, use, values, says, by }) => {
    const accepted =
      values === undefined ? "" : `: ${values.map((value) => `\`${JSON.stringify(value)}\``).join(", ")}`;
    const names = keys.map((key) => `\`${key}\``).join(" ");
    return `| ${names} | ${use}${accepted} | ${says}${by === undefined ? "" : ` Written by ${by}.`} |`;
  });
  return ["| key | | |", "| --- | --- | --- |", ...lines].join("\n");
}
