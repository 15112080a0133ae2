// Opens the files of a model without its weights, and prints warnings about them on standard error.
import type { Checkpoint } from "../../formats/checkpoint.ts";
import { withPreTokenizer } from "../../formats/gguf/tokenizer.ts";
import { openCheckpoint } from "../../formats/open-checkpoint.ts";
import { nodeHost } from "../../index.ts";
import { patienceWith } from "../../sources/patience.ts";
import type { FileFlags } from "../options/model-options.ts";
import { note } from "../terminal/terminal.ts";

/**
 * The caller closes the checkpoint's files.
 * @param model  a path or URL; the embedded model where there is none
 * @throws what `open` throws for the files
 */
export async function openFiles(
  model: string | undefined,
  flags: FileFlags,
  signal?: AbortSignal,
): Promise<Checkpoint> {
  const checkpoint = await locateFiles(model, flags, signal);
  sayWarnings(checkpoint.warnings);
  return checkpoint;
}

/** The same, for callers that print warnings themselves. */
export async function locateFiles(
  model: string | undefined,
  { stallTimeout, tokenizerPre }: FileFlags,
  signal?: AbortSignal,
): Promise<Checkpoint> {
  const { folder, file } = await nodeHost.locate(model, { patience: patienceWith(stallTimeout) });
  const checkpoint = await openCheckpoint(folder, file, signal);
  return { ...checkpoint, tokenizer: withPreTokenizer(checkpoint.tokenizer, tokenizerPre) };
}

export function sayWarnings(warnings: readonly string[]): void {
  for (const warning of warnings) note(`warning: ${warning}`);
}
