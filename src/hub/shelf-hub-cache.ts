// What is kept of the hub where files are of this library alone, as in browsers:
//
//   OWNER--REPO/refs/REVISION        the commit that a revision was
//              /trees/COMMIT.json    the files of a commit
//              /blobs/HASH           a file's content, named by its SHA-256, or as a git blob
import { type DownloadLimits, fetchFile } from "../downloads/fetch-file.ts";
import type { Shelf } from "../downloads/shelf.ts";
import { isCommit } from "./hub-api.ts";
import type { HubCache } from "./hub-cache.ts";
import { cacheOfTree, contentHash, type Tree, type TreeFile, treeOfCache } from "./tree.ts";

export const repoFolder = (repo: string): string => repo.replace("/", "--");
export const blobPath = (repo: string, file: TreeFile): string => `${repoFolder(repo)}/blobs/${contentHash(file).hex}`;
const treePath = (repo: string, commit: string): string => `${repoFolder(repo)}/trees/${commit}.json`;
/** One name, whatever slashes are in it. */
const refPath = (repo: string, revision: string): string => `${repoFolder(repo)}/refs/${encodeURIComponent(revision)}`;

export function shelfHubCache(shelf: Shelf, limits: DownloadLimits = {}): HubCache {
  const trees = new Map<string, Tree>();
  const treeAt = async (repo: string, commit: string): Promise<Tree | undefined> => {
    const path = treePath(repo, commit);
    const tree = trees.get(path) ?? (await readTree(shelf, path));
    if (tree !== undefined) trees.set(path, tree);
    return tree;
  };
  // What cannot be kept does not keep a model from being opened.
  const put = (path: string, text: string): Promise<void> => shelf.putText(path, text).catch(() => {});
  const isHere = async (repo: string, file: TreeFile): Promise<boolean> =>
    (await shelf.size(blobPath(repo, file))) === file.size;

  return {
    name: shelf.name,
    isKeeping: true,
    async commit(repo, revision) {
      const commit = (await shelf.text(refPath(repo, revision)))?.trim();
      return commit !== undefined && isCommit(commit) ? commit : undefined;
    },
    keepCommit: (repo, revision, commit) => put(refPath(repo, revision), commit),
    tree: treeAt,
    async keepTree(repo, commit, tree) {
      trees.set(treePath(repo, commit), tree);
      await put(treePath(repo, commit), JSON.stringify(cacheOfTree(tree)));
    },
    async paths(repo, commit) {
      const all = [...((await treeAt(repo, commit)) ?? [])];
      const here = await Promise.all(all.map(([, file]) => isHere(repo, file)));
      return all.filter((_, i) => here[i]).map(([path]) => path);
    },
    async open(repo, commit, path, size) {
      const file = (await treeAt(repo, commit))?.get(path);
      if (file === undefined || file.size !== (size ?? file.size) || !(await isHere(repo, file))) return undefined;
      return { ...(await shelf.open(blobPath(repo, file))), name: `hf:${repo}/${path}` };
    },
    async fetch(repo, _commit, _path, file, { remote, ...fetching }) {
      const hash = contentHash(file);
      const path = blobPath(repo, file);
      await fetchFile(remote, { shelf, path, lockPath: path, content: hash.hex, hash, ...limits, ...fetching });
    },
    keepAbsent: async () => {},
  };
}

async function readTree(shelf: Shelf, path: string): Promise<Tree | undefined> {
  try {
    return treeOfCache(JSON.parse((await shelf.text(path)) ?? ""));
  } catch {
    return undefined;
  }
}

/** All that is kept of repositories, whole files and parts of files, by name. */
export interface KeptFile {
  /** hf:OWNER/REPO/FILE@REVISION */
  readonly name: string;
  readonly repo: string;
  readonly file: string;
  readonly blob: string;
}

/** The files of every tree that is kept, whether their contents are or not. */
export async function knownFiles(shelf: Shelf): Promise<KeptFile[]> {
  const found: KeptFile[] = [];
  for (const folder of await shelf.names("")) {
    const repo = folder.replace("--", "/");
    const refs = new Map<string, string>();
    for (const ref of await shelf.names(`${folder}/refs`)) {
      const commit = (await shelf.text(`${folder}/refs/${ref}`))?.trim();
      if (commit !== undefined && refs.get(commit) !== "main") refs.set(commit, decodeURIComponent(ref));
    }
    for (const name of await shelf.names(`${folder}/trees`)) {
      const commit = name.replace(/\.json$/, "");
      const revision = refs.get(commit) ?? commit;
      for (const [file, about] of (await readTree(shelf, `${folder}/trees/${name}`)) ?? []) {
        const at = revision === "main" ? "" : `@${revision}`;
        found.push({ name: `hf:${repo}/${file}${at}`, repo, file, blob: blobPath(repo, about) });
      }
    }
  }
  return found;
}
