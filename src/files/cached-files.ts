// What a browser keeps of models: a list for people, and how they delete it.
import { PART_SUFFIX, STATE_SUFFIX } from "../downloads/fetch-file.ts";
import { keptUrls } from "../downloads/kept-urls.ts";
import type { Shelf } from "../downloads/shelf.ts";
import { knownShelves, type SiteShelves } from "../downloads/site-shelves.ts";
import { parseHubName } from "../hub/hub-name.ts";
import { pickFiles } from "../hub/pick-files.ts";
import { knownFiles, repoFolder } from "../hub/shelf-hub-cache.ts";

export interface CachedFile {
  /** As `open` takes it: hf:OWNER/REPO/FILE, with @REVISION unless that is main; or a URL without its query. */
  readonly name: string;
  /** That are there. */
  readonly bytes: number;
  /** False for a download that was stopped, and goes on when the file is next opened. */
  readonly isWhole: boolean;
}

interface Entry extends CachedFile {
  readonly shelf: Shelf;
  /** What to remove. */
  readonly paths: readonly string[];
  readonly repo?: string;
  readonly file?: string;
}

/** The files of models that this browser keeps for this site; none where it keeps none. */
export async function listCached(): Promise<CachedFile[]> {
  const entries = await everyEntry(await knownShelves());
  return entries.map(({ name, bytes, isWhole }) => ({ name, bytes, isWhole }));
}

/**
 * Deletes files that are kept.
 *
 * @param name  as `listCached` has it; hf:OWNER/REPO for all of a repository, hf:OWNER/REPO:QUANT for one model of it; left
 *              out, everything
 * @returns the names of what was deleted
 * @throws SourceError when another tab is writing it, or a name means several models
 */
export async function removeCached(name?: string): Promise<string[]> {
  const shelves = await knownShelves();
  const entries = await everyEntry(shelves);
  if (name === undefined) {
    for (const shelf of shelves.flatMap(({ hub, urls }) => [hub, urls])) {
      for (const folder of await shelf.names("")) await shelf.remove(folder);
    }
    return entries.map((entry) => entry.name);
  }
  const meant = entriesNamed(name, entries);
  for (const { shelf, paths } of meant) for (const path of paths) await shelf.remove(path);
  const hub = parseHubName(name);
  if (hub !== undefined && hub.quant === undefined && hub.path === undefined && meant.length > 0) {
    for (const shelf of shelves) await shelf.hub.remove(repoFolder(hub.repo));
  }
  return meant.map((entry) => entry.name);
}

function entriesNamed(name: string, entries: readonly Entry[]): Entry[] {
  const same = entries.filter((entry) => entry.name === name);
  if (same.length > 0) return same;
  const hub = parseHubName(name);
  if (hub === undefined) {
    const url = URL.canParse(name, location.href) ? new URL(name, location.href) : undefined;
    return entries.filter((entry) => url !== undefined && entry.name === url.origin + url.pathname);
  }
  const own = entries.filter(({ repo }) => repo === hub.repo);
  if (own.length === 0 || (hub.quant === undefined && hub.path === undefined)) return own;
  const { files } = pickFiles(hub, new Set(own.map(({ file }) => file as string)));
  return own.filter(({ file }) => files.includes(file as string));
}

async function everyEntry(shelves: readonly SiteShelves[]): Promise<Entry[]> {
  return (await Promise.all(shelves.map(allEntries))).flat();
}

async function allEntries({ hub, urls }: SiteShelves): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const { name, repo, file, blob } of await knownFiles(hub)) {
    const [whole, part] = [await hub.size(blob), await partBytes(hub, blob)];
    const bytes = whole ?? part?.bytes;
    if (bytes === undefined) continue;
    const paths = [blob, blob + PART_SUFFIX, blob + STATE_SUFFIX];
    entries.push({ name, bytes, isWhole: whole !== undefined, shelf: hub, paths, repo, file });
  }
  for (const { url, version, folder } of await keptUrls(urls)) {
    entries.push({ name: url, bytes: version.size, isWhole: true, shelf: urls, paths: [folder] });
  }
  for (const folder of await urls.names("")) {
    for (const content of await urls.names(folder)) {
      for (const name of await urls.names(`${folder}/${content}`)) {
        if (!name.endsWith(STATE_SUFFIX)) continue;
        const path = `${folder}/${content}/${name.slice(0, -STATE_SUFFIX.length)}`;
        const part = await partBytes(urls, path);
        if (part === undefined) continue;
        const paths = [`${folder}/${content}`];
        entries.push({ name: part.name, bytes: part.bytes, isWhole: false, shelf: urls, paths });
      }
    }
  }
  return entries;
}

/** How much has come of a file whose download has not ended. */
async function partBytes(shelf: Shelf, path: string): Promise<{ name: string; bytes: number } | undefined> {
  try {
    const { name, done } = JSON.parse((await shelf.text(path + STATE_SUFFIX)) ?? "");
    const bytes = done.reduce((sum: number, count: number) => sum + count, 0);
    return Number.isSafeInteger(bytes) ? { name: String(name), bytes } : undefined;
  } catch {
    return undefined;
  }
}
