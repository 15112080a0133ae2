// Opens the files of a model without its weights, and prints warnings about them on standard error.
import type { Checkpoint } from "../../formats/checkpoint.ts";
import { withPreTokenizer } from "../../formats/gguf/tokenizer.ts";
import { openCheckpoint } from "../../formats/open-checkpoint.ts";
import { locateInNode } from "../../index.ts";
import { patienceWith } from "../../sources/patience.ts";
import type { FileFlags } from "../options/model-options.ts";
import { checked } from "../options/option-values.ts";
import { createFetchProgress } from "../terminal/fetch-progress.ts";
import { note } from "../terminal/terminal.ts";

export interface Reading {
  /** `whole` where all weights will be read; by default, of those on servers only as much is fetched as is read. */
  readonly reads?: "whole" | "ranges";
}

/**
 * The caller closes the checkpoint's files.
 * @param model  a path, a name on the hub, or a URL; the embedded model where there is none
 * @throws what `open` throws for the files
 */
export async function openFiles(
  model: string | undefined,
  flags: FileFlags & Reading,
  signal?: AbortSignal,
): Promise<Checkpoint> {
  const checkpoint = await locateFiles(model, flags, signal);
  sayWarnings(checkpoint.warnings);
  return checkpoint;
}

/** The same, for callers that print warnings themselves. */
export async function locateFiles(
  model: string | undefined,
  { stallTimeout, tokenizerPre, offline, cache, reads = "ranges" }: FileFlags & Reading,
  signal?: AbortSignal,
): Promise<Checkpoint> {
  const progress = createFetchProgress();
  try {
    const { folder, file } = await locateInNode(model, {
      patience: patienceWith(stallTimeout),
      offline,
      cache,
      reads,
      signal,
      onProgress: progress.onProgress,
    });
    const checkpoint = await openCheckpoint(folder, file, signal);
    return { ...checkpoint, tokenizer: checked(() => withPreTokenizer(checkpoint.tokenizer, tokenizerPre)) };
  } finally {
    progress.clear();
  }
}

export function sayWarnings(warnings: readonly string[]): void {
  for (const warning of warnings) note(`warning: ${warning}`);
}
