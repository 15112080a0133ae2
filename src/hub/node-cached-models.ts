// The models in the cache of the hub: which there are, how much they take, and how they are deleted.
import { lstat, readdir, readFile, readlink, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { PART_SUFFIX } from "../downloads/fetch-file.ts";
import type { HubName } from "./hub-name.ts";
import { repoFolderName } from "./node-hub-cache.ts";
import { pickFiles } from "./pick-files.ts";

export interface CachedFile {
  /** Within the repository. */
  readonly path: string;
  readonly commit: string;
  readonly bytes: number;
  /** Where its content lies; files of several commits may share it. */
  readonly blob: string;
  /** What leads there: the file of the snapshot. */
  readonly pointer: string;
}

export interface CachedModel {
  readonly repo: string;
  /** Commits by the revisions that they were. */
  readonly refs: Readonly<Record<string, string>>;
  readonly files: readonly CachedFile[];
  /** Of contents, each once. */
  readonly bytes: number;
  /** Of downloads that have not ended, as far as they take room. */
  readonly partBytes: number;
}

/** @param root  of the cache; where it does not exist, there are none */
export async function cachedModels(root: string): Promise<CachedModel[]> {
  const names = (await readdir(root).catch(() => [])).filter((name) => /^models--[^/]+--/.test(name));
  const all = await Promise.all(names.sort().map((name) => cachedModel(join(root, name))));
  return all.filter(({ files, partBytes }) => files.length > 0 || partBytes > 0);
}

async function cachedModel(folder: string): Promise<CachedModel> {
  const snapshots = join(folder, "snapshots");
  const files: CachedFile[] = [];
  for (const pointer of await filesIn(snapshots)) {
    const [commit, ...path] = relative(snapshots, pointer).split(/[/\\]/);
    const found = await stat(pointer).catch(() => undefined);
    if (found === undefined || path.length === 0) continue;
    files.push({ path: path.join("/"), commit, bytes: found.size, blob: await realpath(pointer), pointer });
  }
  const refs: Record<string, string> = {};
  for (const ref of await filesIn(join(folder, "refs"))) {
    refs[relative(join(folder, "refs"), ref).replaceAll("\\", "/")] = (await readFile(ref, "utf8")).trim();
  }
  const bytes = new Map(files.map((file) => [file.blob, file.bytes]));
  return {
    repo: basename(folder)
      .replace(/^models--/, "")
      .replace("--", "/"),
    refs,
    files,
    bytes: [...bytes.values()].reduce((sum, own) => sum + own, 0),
    partBytes: await partBytes(join(folder, "blobs")),
  };
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
}

/** A part has its whole length from the beginning; what it takes is less. */
async function partBytes(blobs: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(blobs).catch(() => [])) {
    if (!name.endsWith(PART_SUFFIX)) continue;
    const found = await stat(join(blobs, name)).catch(() => undefined);
    bytes += found === undefined ? 0 : Math.min(found.size, found.blocks * 512);
  }
  return bytes;
}

/**
 * Deletes what a name means: a whole repository, or one model of it with all its parts, and then what nothing else leads to.
 * Contents that huggingface_hub shares between repositories are left to it.
 *
 * @returns the paths that were deleted; none where nothing of that name is kept
 * @throws SourceError where it is not clear which file is meant
 */
export async function removeCached(root: string, name: HubName): Promise<readonly string[]> {
  const folder = join(root, repoFolderName(name.repo));
  const { files } = await cachedModel(folder);
  if (name.quant === undefined && name.path === undefined) {
    if ((await lstat(folder).catch(() => undefined)) === undefined) return [];
    await rm(folder, { recursive: true, force: true });
    await rm(join(root, ".locks", repoFolderName(name.repo)), { recursive: true, force: true });
    return [...new Set(files.map(({ path }) => path))];
  }
  const meant = pickFiles(name, new Set(files.map(({ path }) => path))).files;
  for (const { path, pointer } of files) {
    if (!meant.includes(path)) continue;
    const target = await readlink(pointer).catch(() => undefined);
    await rm(pointer, { force: true });
    const blob = target && resolve(dirname(pointer), target);
    // By what the link says, and no further: a blob may be a link itself.
    if (blob !== undefined && dirname(blob) === join(resolve(folder), "blobs") && !(await isLedTo(folder, blob))) {
      await rm(blob, { force: true });
    }
  }
  return meant;
}

async function isLedTo(folder: string, blob: string): Promise<boolean> {
  for (const pointer of await filesIn(join(folder, "snapshots"))) {
    const target = await readlink(pointer).catch(() => undefined);
    if (target !== undefined && resolve(dirname(pointer), target) === blob) return true;
  }
  return false;
}
