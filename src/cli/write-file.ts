// Files that are either whole or not there.
import { open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Before long work: whether its result will have a place. @throws Error naming the folder that is not there */
export async function checkWritable(path: string): Promise<void> {
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory()) {
    throw new Error(`${path}: expected a folder ${dirname(path)} to write into, found none. Create it first.`);
  }
  if ((await stat(path).catch(() => undefined))?.isDirectory()) {
    throw new Error(`${path}: expected a file name, found a folder. Name a file in it.`);
  }
}

/** Writes beside `path`, then renames: readers see the old file or the whole new one. */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const existing = await stat(path).catch(() => undefined);
  // A device or a pipe cannot be replaced, and a link stays a link.
  const isReplaced = existing === undefined || existing.isFile();
  const target = existing?.isFile() ? await realpath(path) : path;
  const place = isReplaced ? join(dirname(target), `.${basename(target)}.${process.pid}.part`) : target;
  try {
    const file = await open(place, "w");
    try {
      await file.writeFile(content);
      if (isReplaced) await file.sync();
    } finally {
      await file.close();
    }
    if (isReplaced) await rename(place, target);
  } catch (error) {
    if (isReplaced) await rm(place, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`${path}: expected a place to write, found ${code ?? message}. Name another file.`, {
      cause: error,
    });
  }
}
