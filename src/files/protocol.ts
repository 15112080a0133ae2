// The messages between a page and its files thread, which opens one model's files. Everything here can be
// structured-cloned.
import type { Checkpoint } from "../formats/checkpoint.ts";
import type { PlainError } from "../lfm2-error.ts";
import type { Patience } from "../sources/patience.ts";
import type { SourceDescriptor } from "../sources/source.ts";
import type { ThreadPort } from "../worker/protocol.ts";

/** A file that the page holds. */
export interface PageFile {
  readonly blob: Blob;
  readonly name: string;
  /** Of a file in a folder that was picked. */
  readonly path: string;
}

export interface OpenFiles {
  /** hf:OWNER/REPO…, a whole URL, a file, or several. */
  readonly source: string | Blob | readonly PageFile[];
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly patience: Patience | undefined;
  readonly offline: boolean;
  /** Whether files of URLs are kept. */
  readonly keeps: boolean;
  readonly hubEndpoint: string | undefined;
}

/** A file that is open in the thread, for others to open. */
export interface OpenedFile {
  readonly name: string;
  readonly size: number;
  readonly descriptor: SourceDescriptor;
}

export type OpenedCheckpoint = Omit<Checkpoint, "files"> & { readonly files: readonly OpenedFile[] };

export interface FilesProgress {
  readonly phase: "wait" | "fetch" | "check";
  readonly done: number;
  readonly total: number;
}

export type FromFiles =
  | { readonly progress: FilesProgress }
  | { readonly opened: OpenedCheckpoint }
  | { readonly error: PlainError };

export type FilesPort = ThreadPort<FromFiles, OpenFiles>;
