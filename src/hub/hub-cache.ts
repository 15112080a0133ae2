// What is kept of the hub: which commit a revision was, which files a commit has, and the files themselves.
import type { FetchReport } from "../downloads/fetch-report.ts";
import type { Remote } from "../downloads/route.ts";
import type { ByteSource } from "../sources/source.ts";
import type { Tree, TreeFile } from "./tree.ts";

/** A place on disk, or in a browser's own file system. */
export interface HubCache {
  /** For messages. */
  readonly name: string;
  /** False where files cannot be fetched into it. */
  readonly isKeeping: boolean;
  /** Undefined where it is not known. */
  commit(repo: string, revision: string): Promise<string | undefined>;
  keepCommit(repo: string, revision: string, commit: string): Promise<void>;
  tree(repo: string, commit: string): Promise<Tree | undefined>;
  keepTree(repo: string, commit: string, tree: Tree): Promise<void>;
  /** Of the files of a commit that are here. */
  paths(repo: string, commit: string): Promise<string[]>;
  /** Undefined where it is not here, or has another size than `size`. */
  open(repo: string, commit: string, path: string, size?: number): Promise<ByteSource | undefined>;
  /** Fetches it unless it is here. @throws SourceError as `fetchFile` */
  fetch(repo: string, commit: string, path: string, file: TreeFile, fetching: Fetching): Promise<void>;
  /** For other programs: that the commit has no such file. */
  keepAbsent(repo: string, commit: string, path: string): Promise<void>;
}

export interface Fetching {
  readonly remote: Remote;
  /** Bytes of the model that will be fetched after this file. */
  readonly laterBytes: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: FetchReport) => void;
  readonly onWait?: () => void;
}
