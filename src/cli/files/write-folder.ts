// Folders that are either whole or not there.

import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Sink } from "../../formats/streamed-tensor.ts";
import { createPart } from "../../oracle/trace/part-file.ts";
import { OutputError, writePieces } from "./write-file.ts";

export type WriteFile = (fileName: string, write: (sink: Sink) => Promise<void>) => Promise<void>;

/** @throws OutputError when `path` is a file, or a folder with something in it, or cannot be made */
export async function checkEmptyFolder(path: string): Promise<void> {
  const parent = dirname(resolve(path));
  if (!(await isFolder(parent))) {
    throw new OutputError({
      subject: path,
      expected: `a folder ${parent} to write into`,
      found: "none",
      remedy: "Create it first.",
    });
  }
  const content = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new OutputError(
      { subject: path, expected: "a folder", found: error.code ?? error.message, remedy: "Name another one." },
      { cause: error },
    );
  });
  if (content.length === 0) return;
  throw new OutputError({
    subject: path,
    expected: "a new or empty folder",
    found: `${content.length} files in it`,
    remedy: "Name another one.",
  });
}

/** Fills a folder beside `path`, then renames it. @throws what `fill` throws; nothing is left behind then */
export async function writeFolder<T>(path: string, fill: (writeFile: WriteFile) => Promise<T>): Promise<T> {
  const target = resolve(path);
  const part = await createPart(target);
  try {
    await mkdir(part.path);
    const result = await fill((fileName, write) => writePieces(join(part.path, fileName), write));
    // Some systems do not rename onto an existing folder.
    if (await isFolder(target)) await rm(target, { recursive: true });
    await part.keep();
    return result;
  } catch (error) {
    await part.drop();
    throw error;
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
