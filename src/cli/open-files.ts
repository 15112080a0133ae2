// Opens the files of a model without its weights, and says on standard error what is odd about them.
import type { Checkpoint } from "../formats/checkpoint.ts";
import { withPreTokenizer } from "../formats/gguf-tokenizer.ts";
import { openCheckpoint } from "../formats/open-checkpoint.ts";
import { nodeHost } from "../index.ts";
import type { PreTokenizer } from "../tokenizer/from-gguf.ts";
import { note } from "./terminal.ts";

/**
 * The caller closes the checkpoint's files.
 * @param model  a path or URL; the embedded model where there is none
 * @param tokenizerPre  as `open` takes it
 * @throws what `open` throws for the files
 */
export async function openFiles(
  model: string | undefined,
  signal?: AbortSignal,
  tokenizerPre?: PreTokenizer,
): Promise<Checkpoint> {
  const { folder, file } = await nodeHost.locate(model);
  const checkpoint = await openCheckpoint(folder, file, signal);
  sayWarnings(checkpoint.warnings);
  return { ...checkpoint, tokenizer: withPreTokenizer(checkpoint.tokenizer, tokenizerPre) };
}

export function sayWarnings(warnings: readonly string[]): void {
  for (const warning of warnings) note(`warning: ${warning}`);
}
