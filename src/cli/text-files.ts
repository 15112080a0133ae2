// What a model's files say about text, its tokenizer and chat template, without reading weights.
import type { Command } from "commander";
import type { TextFiles } from "../text/protocol.ts";
import { nameOf } from "./model-facts.ts";
import { stallTimeoutOption } from "./model-options.ts";
import { openFiles } from "./open-files.ts";
import { sayEmbedded } from "./open-model.ts";

export interface NamedTextFiles extends TextFiles {
  readonly name: string;
}

export interface TextFlags {
  readonly model?: string;
  /** Milliseconds. */
  readonly stallTimeout?: number;
}

export function addTextModelOptions(command: Command): Command {
  const description = "a GGUF file, or a Hugging Face model folder; without it, the embedded model";
  return command.option("-m, --model <path or URL>", description).addOption(stallTimeoutOption());
}

/** @throws what `open` throws for the files; Error when they have no tokenizer */
export async function openTextFiles({ model, stallTimeout }: TextFlags): Promise<NamedTextFiles> {
  if (model === undefined) sayEmbedded();
  const { tokenizer, chatTemplate, metadata, files } = await openFiles(model, { stallTimeout });
  await Promise.all(files.map((opened) => opened.close()));
  const name = nameOf(metadata, model ?? "embedded model");
  if (tokenizer === undefined) throw new Error(`${name}: expected a tokenizer in the model's files, found none.`);
  return { name, tokenizer, chatTemplate };
}
