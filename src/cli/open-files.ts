// Opens the files of a model without its weights, and says on standard error what is odd about them.
import type { Checkpoint } from "../formats/checkpoint.ts";
import { openCheckpoint } from "../formats/open-checkpoint.ts";
import { nodeHost } from "../index.ts";
import { patienceWith } from "../sources/patience.ts";
import { note } from "./terminal.ts";

export interface OpenFilesOptions {
  readonly signal?: AbortSignal;
  /** How long a server of a URL may send nothing, in milliseconds. */
  readonly stallTimeout?: number;
}

/**
 * The caller closes the checkpoint's files.
 * @param model  a path or URL; the embedded model where there is none
 * @throws what `open` throws for the files
 */
export async function openFiles(model: string | undefined, options: OpenFilesOptions = {}): Promise<Checkpoint> {
  const checkpoint = await locateFiles(model, options);
  sayWarnings(checkpoint.warnings);
  return checkpoint;
}

/** The same, for those who tell of warnings themselves. */
export async function locateFiles(
  model: string | undefined,
  { signal, stallTimeout }: OpenFilesOptions = {},
): Promise<Checkpoint> {
  const { folder, file } = await nodeHost.locate(model, { patience: patienceWith(stallTimeout) });
  return openCheckpoint(folder, file, signal);
}

export function sayWarnings(warnings: readonly string[]): void {
  for (const warning of warnings) note(`warning: ${warning}`);
}
