// What a model's files say about text, its tokenizer and chat template, without reading weights.
import { readFile } from "node:fs/promises";
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
  const { tokenizer, chatTemplate, metadata, files } = await openFiles(model);
  await Promise.all(files.map((opened) => opened.close()));
  const name = nameOf(metadata, model ?? "embedded model");
  if (tokenizer === undefined) throw new Error(`${name}: expected a tokenizer in the model's files, found none.`);
  return { name, tokenizer, chatTemplate };
}

/** A file's text to the last character; a byte order mark is one. */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path}: expected a text file, found ${error.code ?? error.message}. Check the path.`);
  });
  return decodeUtf8(bytes, path);
}

/** @throws Error for bytes that are not UTF-8: replacing them would give the ids of another text */
export function decodeUtf8(bytes: Uint8Array, subject: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`${subject}: expected text in UTF-8, found other bytes.`, { cause });
  }
}
