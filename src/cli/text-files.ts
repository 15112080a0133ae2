// What a model's files say about text, its tokenizer and chat template, without reading weights.
import { createTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { nameOf } from "./model-facts.ts";
import { openFiles } from "./open-files.ts";
import { sayEmbedded } from "./open-model.ts";

export interface TextFiles {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  /** Jinja; undefined where the files have none. */
  readonly chatTemplate: string | undefined;
}

/** @throws what `open` throws for the files; Error when they have no tokenizer */
export async function openTextFiles(model: string | undefined): Promise<TextFiles> {
  if (model === undefined) sayEmbedded();
  const { tokenizer, chatTemplate, metadata, files } = await openFiles(model);
  await Promise.all(files.map((opened) => opened.close()));
  const name = nameOf(metadata, model ?? "embedded model");
  if (tokenizer === undefined) throw new Error(`${name}: expected a tokenizer in the model's files, found none.`);
  return { name, tokenizer: createTokenizer(tokenizer), chatTemplate };
}
