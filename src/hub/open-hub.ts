// A name on the hub becomes a folder and a file in it: by asking the hub, or from what is kept.

import { notKept } from "../downloads/not-kept.ts";
import type { Location } from "../sources/locate.ts";
import { UnreachableError } from "../sources/patience.ts";
import { commitOf, isCommit, treeOf } from "./hub-api.ts";
import { type HubAccess, hubFolder } from "./hub-folder.ts";
import { type HubName, spelled } from "./hub-name.ts";
import { pickFiles } from "./pick-files.ts";
import type { Tree } from "./tree.ts";

/**
 * @throws SourceError when the hub has no such model, does not say which is meant, or cannot be asked, and nothing is
 * kept of it
 */
export async function locateHub(name: HubName, access: HubAccess): Promise<Location> {
  const { repo } = name;
  const warnings: string[] = [];
  const commit = await commitFor(name, access, warnings);
  const tree = await treeFor(name, commit, access);
  const { file, files } = pickFiles(name, tree?.keys() ?? (await access.cache.paths(repo, commit)));
  const slash = file?.lastIndexOf("/") ?? -1;
  const folder = hubFolder({ repo, commit, tree, files }, access, file?.slice(0, Math.max(0, slash)));
  const said = folder.warnings;
  return {
    folder: { ...folder, warnings: () => [...warnings, ...(said?.() ?? [])] },
    file: file?.slice(slash + 1),
  };
}

async function commitFor(name: HubName, access: HubAccess, warnings: string[]): Promise<string> {
  const { repo, revision } = name;
  const { hub, cache, offline, signal } = access;
  if (isCommit(revision)) return revision;
  const kept = (): Promise<string | undefined> => cache.commit(repo, revision);
  if (offline) {
    const commit = await kept();
    if (commit === undefined) throw notKept(spelled(name), cache.name);
    return commit;
  }
  try {
    const commit = await commitOf(hub, repo, revision, signal);
    await cache.keepCommit(repo, revision, commit);
    return commit;
  } catch (error) {
    const commit = error instanceof UnreachableError ? await kept() : undefined;
    if (commit === undefined) throw error;
    warnings.push(`${spelled(name)}: ${hub.endpoint} cannot be reached; what is kept of it may be out of date.`);
    return commit;
  }
}

/** A commit's files do not change. */
async function treeFor(
  { repo }: HubName,
  commit: string,
  { hub, cache, offline, signal }: HubAccess,
): Promise<Tree | undefined> {
  const kept = await cache.tree(repo, commit);
  if (kept !== undefined || offline) return kept;
  try {
    const tree = await treeOf(hub, repo, commit, signal);
    await cache.keepTree(repo, commit, tree);
    return tree;
  } catch (error) {
    if (error instanceof UnreachableError && (await cache.paths(repo, commit)).length > 0) return undefined;
    throw error;
  }
}
