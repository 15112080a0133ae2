// Where bytes come from: something of known size that can be read in pieces.
import type { Patience } from "./patience.ts";

/** Bytes of one file, read by range. All reads are of the file that was opened, or fail. */
export interface ByteSource {
  /** For messages: a path, a file name or a URL without its query. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset`: in a buffer of their own or, where a source can do that, at the beginning of
   * `room`, which may be shared memory; after a failure that may be written to until the source is closed.
   * @throws SourceError when the range leaves the file, the bytes cannot be read, or the file has changed
   */
  read(
    offset: number,
    length: number,
    signal?: AbortSignal,
    room?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * After everything has been read: checks that it was of one file, where the reads alone could not tell.
   * @throws SourceError when the file has changed
   */
  verify(signal?: AbortSignal): Promise<void>;
  /** Also ends reads under way. */
  close(): Promise<void>;
  /** What another thread needs to open the same bytes, and to notice others; can be structured-cloned. */
  readonly descriptor: SourceDescriptor;
}

export type SourceDescriptor =
  | { readonly kind: "file"; readonly path: string; readonly version: FileVersion }
  | { readonly kind: "blob"; readonly name: string; readonly blob: Blob }
  | {
      /** Of a browser's own file system. */
      readonly kind: "kept";
      readonly name: string;
      /** A FileSystemFileHandle, which types without the DOM library do not know. */
      readonly handle: object;
      readonly blob: Blob;
    }
  | {
      readonly kind: "url";
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly patience: Patience;
      readonly version: UrlVersion;
      /** What has been read of a file whose version cannot be distinguished from another. */
      readonly seen: readonly SeenRange[];
    };

/** Which file a path named, and in which state. */
export interface FileVersion {
  readonly size: number;
  readonly device: bigint;
  readonly inode: bigint;
  readonly modifiedNs: bigint;
}

/** Which version of a file a server's answer is about. */
export interface UrlVersion {
  readonly size: number;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface SeenRange {
  readonly offset: number;
  readonly length: number;
  readonly hash: number;
}

/** A place that holds the files of one model: a folder on disk, a set of Blobs, a base URL. */
export interface Folder {
  readonly name: string;
  /**
   * The file of that name, or undefined when there is none.
   * @param mostBytes  a larger file is of no use: where it could be had only whole, it is refused
   */
  open(fileName: string, signal?: AbortSignal, mostBytes?: number): Promise<ByteSource | undefined>;
  /** The names of all files in it; absent where they cannot be listed, as on a web server. */
  list?(): Promise<readonly string[]>;
  /** Warnings about files asked for so far whose absence is not certain. */
  warnings?(): readonly string[];
  /**
   * A folder directly in it: undefined where there is none; where that cannot be known, a folder that may not exist.
   * Absent where there are no folders.
   */
  subfolder?(name: string): Promise<Folder | undefined>;
}
