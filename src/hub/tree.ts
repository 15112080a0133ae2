// The files of a repository at one commit, as the hub lists them and as caches keep the list.
import { SourceError } from "../sources/source-error.ts";
import { isSafePath } from "./hub-name.ts";

export interface TreeFile {
  readonly size: number;
  /** Of the content as a git blob; of a large file, of its pointer. */
  readonly oid: string;
  /** Of a large file's content. */
  readonly sha256?: string;
  /** Of a large file, too, but of how the hub stores it: no hash of the content. */
  readonly xetHash?: string;
}

/** By path within the repository. */
export type Tree = ReadonlyMap<string, TreeFile>;

/** What a file's content is checked by, and called in caches. */
export function contentHash({ sha256, oid }: TreeFile): { readonly kind: "sha256" | "git"; readonly hex: string } {
  return sha256 === undefined ? { kind: "git", hex: oid } : { kind: "sha256", hex: sha256 };
}

const MAX_FILES = 100_000;
const SHA1 = /^[0-9a-f]{40}$/;
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Adds one page of `GET /api/models/…/tree/…` to `tree`.
 * @throws SourceError when it is none, or names a file that could lie outside its folder
 */
export function addPage(name: string, page: unknown, tree: Map<string, TreeFile>): void {
  if (!Array.isArray(page)) throw noTree(name, "something else");
  for (const item of page) {
    const { type, path, size, oid, lfs, xetHash } = Object(item) as Record<string, unknown>;
    if (type !== "file") continue;
    if (typeof path !== "string" || !isSafePath(path)) throw noTree(name, `the path ${shown(path)}`);
    const { oid: sha256, size: largeSize = size } = Object(lfs) as Record<string, unknown>;
    const file = fileOf(largeSize, oid, sha256, xetHash);
    if (file === undefined) throw noTree(name, `${path} without a size and a hash`);
    tree.set(path, file);
    if (tree.size > MAX_FILES) throw noTree(name, `more than ${MAX_FILES} files`);
  }
}

/** What huggingface_hub keeps in `trees/COMMIT.json`. @returns undefined where it is something else, or damaged */
export function treeOfCache(json: unknown): Tree | undefined {
  const { format_version: version, files } = Object(json) as Record<string, unknown>;
  if (version !== 1 || typeof files !== "object" || files === null) return undefined;
  const entries = Object.entries(files).map(([path, info]): [string, TreeFile | undefined] => {
    const { size, blob_id: oid, lfs_sha256: sha256, lfs_size: largeSize, xet_hash: xetHash } = Object(info);
    return [path, isSafePath(path) ? fileOf(largeSize ?? size, oid, sha256, xetHash) : undefined];
  });
  const isWhole = entries.every((entry): entry is [string, TreeFile] => entry[1] !== undefined);
  return isWhole && entries.length <= MAX_FILES ? new Map(entries as [string, TreeFile][]) : undefined;
}

/** @source huggingface_hub 1.33.0, _tree_cache.py */
export function cacheOfTree(tree: Tree): object {
  const files = [...tree]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, { size, oid, sha256, xetHash }]) => [
      path,
      {
        size,
        blob_id: oid,
        ...(sha256 !== undefined && { lfs_sha256: sha256, lfs_size: size }),
        ...(xetHash !== undefined && { xet_hash: xetHash }),
      },
    ]);
  return { format_version: 1, files: Object.fromEntries(files) };
}

function fileOf(size: unknown, oid: unknown, sha256: unknown, xetHash: unknown): TreeFile | undefined {
  if (!Number.isSafeInteger(size) || (size as number) < 0 || !SHA1.test(String(oid))) return undefined;
  // null is how some writers leave it out
  if (sha256 !== undefined && sha256 !== null && !SHA256.test(String(sha256))) return undefined;
  return {
    size: size as number,
    oid: oid as string,
    ...(typeof sha256 === "string" && { sha256 }),
    ...(typeof xetHash === "string" && SHA256.test(xetHash) && { xetHash }),
  };
}

function noTree(name: string, found: string): SourceError {
  return new SourceError({ subject: name, expected: "a list of files", found, remedy: "Check the hub's address." });
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 80);
