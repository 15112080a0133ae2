// What a model's files say about text, its tokenizer and chat template, without reading weights.
import type { TextFiles } from "../text/protocol.ts";
import { nameOf } from "./model-facts.ts";
import { openFiles } from "./open-files.ts";
import { sayEmbedded } from "./open-model.ts";

export interface NamedTextFiles extends TextFiles {
  readonly name: string;
}

/** @throws what `open` throws for the files; Error when they have no tokenizer */
export async function openTextFiles(model: string | undefined): Promise<NamedTextFiles> {
  if (model === undefined) sayEmbedded();
  const { tokenizer, chatTemplate, namedTemplates, metadata, files } = await openFiles(model);
  await Promise.all(files.map((opened) => opened.close()));
  const name = nameOf(metadata, model ?? "embedded model");
  if (tokenizer === undefined) throw new Error(`${name}: expected a tokenizer in the model's files, found none.`);
  return { name, tokenizer, chatTemplate, namedTemplates };
}
