// Changes of the model for one run.
import type { Command } from "commander";
import { editKinds } from "../../edits/edit.ts";

export interface EditFlags {
  readonly edit?: string[];
}

export function addEditOption(command: Command): Command {
  const kinds = editKinds.map((kind) => ({ k: "k:2", "no-norm": "no-norm:ffn_norm" })[kind as string] ?? kind);
  return command.option(
    "--edit <edits...>",
    `change the model: KIND[:VALUES][@LAYERS], such as expert-off:7,9@2-5; kinds: ${kinds.join(", ")}`,
  );
}
