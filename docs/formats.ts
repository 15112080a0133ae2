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
    "Unknown keys are warned of. A key that is absent, where no default is stated, is not needed; null says nothing.",
    configJsonKeys,
  ],
  ["rope_parameters and rope_scaling", "Within config.json. Unknown keys are warned of.", ropeKeys],
  [
    "generation_config.json",
    "Other keys are warned of, unless they say that nothing is done (0, false, null, a penalty of 1).",
    generationConfigKeys,
  ],
  [
    "tokenizer_config.json",
    "Other keys are warned of, unless they are false or null. Where it has no `added_tokens_decoder`, the older special_tokens_map.json and added_tokens.json count, too, as in transformers.",
    tokenizerConfigKeys,
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
  return `${HEAD}\n\n${[...parts, tensors(), files()].join("\n\n")}\n`;
}

function tensors(): string {
  const spellings = knownSpellings.map(([names, by]) => [code(names), by]);
  const unused = unusedTensors.map(({ like, why }) => [code(like), `not used, with a warning: ${why}`]);
  const refused = refusedTensors.map(({ like, what }) => [code(like), `refused: ${what}`]);
  return `## Tensors

Of safetensors F32, F16 and BF16, also mixed within a layer's experts; of GGUF ${Object.keys(blockFormats).join(", ")}. Axes of size 1 do not count. A head that is stored although the config ties it is used where it differs from
the embedding, with a warning. Beside the names of published checkpoints, these are understood:

${table(spellings)}

Every other tensor has to have a place in the graph. These have none; integers, single numbers and empty tensors of other
names are left out with a warning, any other tensor is refused by its name.

${table([...unused, ...refused])}

Quantized safetensors are refused by their method's name: ${[...new Set([...Object.values(quantizationMethods), "MLX"])].join("; ")}.`;
}

function files(): string {
  return `## Files of a folder

Weights are \`model.safetensors\` or what \`model.safetensors.index.json\` names, never both. These may matter and are warned
of; where a folder cannot be listed, on a web server, the names given are asked for. All others have no effect.

${table(folderFiles.map(({ like, what }) => [code(like), what]))}`;
}

function code(names: string): string {
  return names.includes(" ") && !names.includes(",") ? names : `\`${names.replaceAll(", ", "`, `")}\``;
}

function table(lines: readonly (readonly string[])[]): string {
  return ["| | |", "| --- | --- |", ...lines.map((cells) => `| ${cells.join(" | ")} |`)].join("\n");
}

const HEAD = `# What is read of a model's files

This list is made from the tables that files are checked against (\`npm run docs\`). A key is *read*; or the architecture knows
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
