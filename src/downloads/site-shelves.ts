// Where a browser keeps what a site fetches: its file system for sites, or else its database.
import { checkBlobs, DATABASE, databaseShelf, siteDatabase } from "./database-shelf.ts";
import type { CreateHasher } from "./hasher.ts";
import { checkWriting, opfsShelf, siteFolder } from "./opfs-shelf.ts";
import type { Shelf } from "./shelf.ts";

export interface SiteShelves {
  readonly hub: Shelf;
  readonly urls: Shelf;
}

/** For whoever fetches files, in a worker. @throws what the browser says where it keeps nothing */
export async function writableShelves(createHasher: CreateHasher): Promise<SiteShelves> {
  return firstOf(async () => {
    const site = await siteFolder();
    await checkWriting(site);
    return inFolder(site, createHasher);
  }, createHasher);
}

/** What the browser says where it keeps nothing; undefined where it does. */
export async function whyNothingIsKept(): Promise<string | undefined> {
  return firstOf(async () => inFolder(await siteFolder())).then(
    () => undefined,
    (error: Error) => error.message,
  );
}

/** All that there are, for whoever lists what is kept. */
export async function knownShelves(): Promise<SiteShelves[]> {
  const found: SiteShelves[] = [];
  const site = await siteFolder().catch(() => undefined);
  if (site !== undefined) found.push(inFolder(site));
  // One that is not there is not made.
  const names = await indexedDB.databases?.().catch(() => []);
  if (site !== undefined && !names?.some(({ name }) => name === DATABASE)) return found;
  const database = await siteDatabase().catch(() => undefined);
  if (database !== undefined) found.push(inDatabase(database));
  return found;
}

async function firstOf(inFiles: () => Promise<SiteShelves>, createHasher?: CreateHasher): Promise<SiteShelves> {
  try {
    return await inFiles();
  } catch (first) {
    try {
      const database = await siteDatabase();
      await checkBlobs(database);
      return inDatabase(database, createHasher);
    } catch (second) {
      throw new Error(`${(first as Error).message}; ${(second as Error).message}`, { cause: second });
    }
  }
}

function inFolder(site: FileSystemDirectoryHandle, createHasher?: CreateHasher): SiteShelves {
  return { hub: opfsShelf(site, "hub", createHasher), urls: opfsShelf(site, "urls", createHasher) };
}

function inDatabase(database: IDBDatabase, createHasher?: CreateHasher): SiteShelves {
  return { hub: databaseShelf(database, "hub", createHasher), urls: databaseShelf(database, "urls", createHasher) };
}
