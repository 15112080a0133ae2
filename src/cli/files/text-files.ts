// What a model's files say about text, its tokenizer and chat template, without reading weights.

import type { Command } from "commander";
import { Lfm2Error } from "../../lfm2-error.ts";
import type { TextFiles } from "../../text/protocol.ts";
import { addFileOptions, type FileFlags, type ModelFlags } from "../options/model-options.ts";
import { nameOf } from "../reports/model-facts.ts";
import { openFiles } from "./open-files.ts";
import { sayEmbedded } from "./open-model.ts";

export type TextFileFlags = FileFlags & Pick<ModelFlags, "model">;

export interface NamedTextFiles extends TextFiles {
  readonly name: string;
}

export function addTextModelOptions(command: Command): Command {
  const description = "a GGUF file, or a Hugging Face model folder; without it, the embedded model";
  return addFileOptions(command.option("-m, --model <path or URL>", description));
}

/** @throws what `open` throws for the files; Error when they have no tokenizer */
export async function openTextFiles({ model, ...flags }: TextFileFlags): Promise<NamedTextFiles> {
  if (model === undefined) sayEmbedded();
  const { tokenizer, chatTemplate, namedTemplates, metadata, files, config } = await openFiles(model, flags);
  await Promise.all(files.map((opened) => opened.close()));
  const name = nameOf(metadata, model ?? "embedded model");
  if (tokenizer === undefined) {
    throw new Lfm2Error({ subject: name, expected: "a tokenizer in the model's files", found: "none" });
  }
  const embeddingRows = typeof config.vocab_size === "number" ? config.vocab_size : undefined;
  return { name, tokenizer, chatTemplate, namedTemplates, embeddingRows };
}
