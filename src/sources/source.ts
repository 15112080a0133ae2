// Where bytes come from: something of known size that can be read in pieces.

/** Bytes of one file, read by range. */
export interface ByteSource {
  /** For messages: a path, a file name or a URL without its query. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset`, in a buffer of their own.
   * @throws SourceError when the range leaves the file or the bytes cannot be read
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
  /** What another thread needs to open the same bytes; can be structured-cloned. */
  readonly descriptor: SourceDescriptor;
}

export type SourceDescriptor =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "blob"; readonly name: string; readonly blob: Blob }
  | { readonly kind: "url"; readonly url: string; readonly headers?: Record<string, string> };

/** A place that holds the files of one model: a folder on disk, a set of Blobs, a base URL. */
export interface Folder {
  readonly name: string;
  /** The file of that name, or undefined when there is none. */
  open(fileName: string, signal?: AbortSignal): Promise<ByteSource | undefined>;
  /** The names of all files in it; absent where they cannot be told, as on a web server. */
  list?(): Promise<readonly string[]>;
}

/** Bytes cannot be had: missing file, range outside it, failing server. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}
