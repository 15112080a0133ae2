// A place where files are kept: a folder on disk, or a browser's own file system. Paths lead from its root; their names are
// joined by "/".
import type { ByteSource } from "../sources/source.ts";
import type { PartFile } from "./part-file.ts";

export interface ContentHash {
  /** `git`: SHA-1 of the content as a git blob. */
  readonly kind: "sha256" | "git";
  readonly hex: string;
}

export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Called once, when somebody else holds it. */
  readonly onWait?: () => void;
}

export interface OpenPart extends PartFile {
  /** What has been written is there after a power cut, too. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface Shelf {
  /** For messages. */
  readonly name: string;
  /** Undefined where there is no such file. */
  size(path: string): Promise<number | undefined>;
  /** Undefined where there is no such file. */
  text(path: string): Promise<string | undefined>;
  putText(path: string, text: string): Promise<void>;
  /** Of what lies in a folder; none where there is no such folder. */
  names(path: string): Promise<string[]>;
  /** A file; another one of that name goes. */
  move(from: string, to: string): Promise<void>;
  /** A file, or a folder with all that is in it; nothing where there is none. */
  remove(path: string): Promise<void>;
  /**
   * A file that grows to `size`; nothing of it lies further on.
   * @param isNew  it may be there or not, and what is in it is not needed; else it has to be there
   */
  openPart(path: string, size: number, isNew: boolean): Promise<OpenPart>;
  /** Hexadecimal. @param onBytes  told how many have been hashed */
  hash(
    path: string,
    size: number,
    kind: ContentHash["kind"],
    signal?: AbortSignal,
    onBytes?: (done: number) => void,
  ): Promise<string>;
  open(path: string): Promise<ByteSource>;
  /** @throws NoRoomError when so many more bytes do not fit beside `path` */
  checkRoom(path: string, bytes: number): Promise<void>;
  /** Nobody else holds the lock of that path, in this process or another, while `work` runs. */
  withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T>;
  /** What to throw for an error of the file system's. */
  failure(path: string, error: unknown): unknown;
}
