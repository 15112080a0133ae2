// The cache of huggingface_hub on disk, so that what Python has downloaded is found here, and the other way round:
//
//   models--OWNER--REPO/refs/REVISION             the commit that a revision was
//                      /snapshots/COMMIT/PATH     a link to the blob
//                      /blobs/HASH                a file's content, named by its SHA-256, or as a git blob
//                      /trees/COMMIT.json         the files of a commit (huggingface_hub 1.33)
//                      /.no_exist/COMMIT/PATH     an empty file for one that the commit does not have
//   .locks/models--OWNER--REPO/…
//
// A blob may be a link itself, to where huggingface_hub shares blobs between repositories.
// @source huggingface_hub 1.33.0, file_download.py; huggingface.co/docs/hub/local-cache
import { randomUUID } from "node:crypto";
import { copyFile, lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { type DownloadLimits, fetchFile } from "../downloads/fetch-file.ts";
import { nodeShelf, sizeOf } from "../downloads/node-shelf.ts";
import { openFile } from "../sources/disk.ts";
import { isCommit } from "./hub-api.ts";
import type { HubCache } from "./hub-cache.ts";
import { cacheOfTree, contentHash, treeOfCache } from "./tree.ts";

const MOST_TREE_BYTES = 64 << 20;

/** @param limits  smaller parts and fewer at once than usual, for tests */
export function nodeHubCache(root: string, limits: DownloadLimits = {}): HubCache {
  const shelf = nodeShelf(root);
  const repoFolder = (repo: string): string => join(root, repoFolderName(repo));
  const snapshot = (repo: string, commit: string): string => join(repoFolder(repo), "snapshots", commit);
  const pointer = (repo: string, commit: string, path: string): string =>
    join(snapshot(repo, commit), ...path.split("/"));

  return {
    name: root,
    isKeeping: true,
    async commit(repo, revision) {
      const text = await readFile(join(repoFolder(repo), "refs", ...revision.split("/")), "utf8").catch(() => "");
      const commit = text.trim();
      return isCommit(commit) ? commit : undefined;
    },
    async keepCommit(repo, revision, commit) {
      await writeKept(join(repoFolder(repo), "refs", ...revision.split("/")), commit);
    },
    async tree(repo, commit) {
      const path = join(repoFolder(repo), "trees", `${commit}.json`);
      if (((await sizeOf(path)) ?? MOST_TREE_BYTES) >= MOST_TREE_BYTES) return undefined;
      try {
        return treeOfCache(JSON.parse(await readFile(path, "utf8")));
      } catch {
        return undefined;
      }
    },
    async keepTree(repo, commit, tree) {
      await writeKept(join(repoFolder(repo), "trees", `${commit}.json`), JSON.stringify(cacheOfTree(tree), null, 1));
    },
    async paths(repo, commit) {
      const folder = snapshot(repo, commit);
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      const files = entries.filter((entry) => !entry.isDirectory());
      return files.map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll("\\", "/"));
    },
    async open(repo, commit, path, size) {
      const place = pointer(repo, commit, path);
      const found = await sizeOf(place);
      return found === undefined || found !== (size ?? found) ? undefined : openFile(place);
    },
    async fetch(repo, commit, path, file, { remote, ...fetching }) {
      const hash = contentHash(file);
      const blob = `${repoFolderName(repo)}/blobs/${hash.hex}`;
      const lockPath = `.locks/${repoFolderName(repo)}/${hash.hex}.lfm2-lock`;
      await fetchFile(remote, { shelf, path: blob, lockPath, content: hash.hex, hash, ...limits, ...fetching });
      await link(join(root, ...blob.split("/")), pointer(repo, commit, path));
    },
    async keepAbsent(repo, commit, path) {
      await writeKept(join(repoFolder(repo), ".no_exist", commit, ...path.split("/")), "");
    },
  };
}

export function repoFolderName(repo: string): string {
  return `models--${repo.replace("/", "--")}`;
}

/** A cache that cannot be written does not keep a model from being opened. */
async function writeKept(path: string, text: string): Promise<void> {
  const own = `${path}.${randomUUID()}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(own, text);
    await rename(own, path);
  } catch {
    await rm(own, { force: true }).catch(() => {});
  }
}

/** Where links may not be made, as on Windows, the blob itself is moved there, as huggingface_hub does. */
async function link(blob: string, pointer: string): Promise<void> {
  await mkdir(dirname(pointer), { recursive: true });
  // Another name first: readers see the old link or the new one.
  const own = `${pointer}.${randomUUID()}`;
  try {
    await symlink(relative(dirname(pointer), blob), own);
  } catch (error) {
    if (!["EPERM", "EACCES", "ENOSYS", "ENOTSUP", "UNKNOWN"].includes(String((error as NodeJS.ErrnoException).code))) {
      throw error;
    }
    if ((await lstat(blob)).isSymbolicLink()) await copyFile(blob, own);
    else await rename(blob, own);
  }
  await rename(own, pointer);
}
