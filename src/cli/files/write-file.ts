// Files that are either whole or not there.

import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Sink } from "../../formats/streamed-tensor.ts";
import { Lfm2Error } from "../../lfm2-error.ts";
import { createPart } from "../../oracle/trace/part-file.ts";

/** A file cannot be written, or may not be. */
export class OutputError extends Lfm2Error {
  override readonly name = "OutputError";
}

/** Checked before long work: whether its result can be written. @throws OutputError naming the folder that is not there */
export async function checkWritable(path: string): Promise<void> {
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory()) {
    throw new OutputError({
      subject: path,
      expected: `a folder ${dirname(path)} to write into`,
      found: "none",
      remedy: "Create it first.",
    });
  }
  if ((await stat(path).catch(() => undefined))?.isDirectory()) {
    throw new OutputError({ subject: path, expected: "a file name", found: "a folder", remedy: "Name a file in it." });
  }
}

/** @throws OutputError when there is a file already and it may not be replaced */
export async function checkFree(path: string, force: boolean | undefined, remedy = "--force"): Promise<void> {
  await checkWritable(path);
  const isThere = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isThere || force) return;
  throw new OutputError({
    subject: path,
    expected: "no file of this name",
    found: "one",
    remedy: `Name another, or replace it with ${remedy}.`,
  });
}

/** Writes beside `path`, then renames: readers see the old file or the whole new one. */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  await writePieces(path, (sink) => sink(typeof content === "string" ? new TextEncoder().encode(content) : content));
}

/**
 * The same for content that comes piece by piece: `write` hands them to the sink it is given.
 * @throws what `write` throws; nothing is left behind then
 */
export async function writePieces<T>(path: string, write: (sink: Sink) => Promise<T>): Promise<T> {
  const existing = await stat(path).catch(() => undefined);
  // A device or a pipe cannot be replaced.
  const part = existing === undefined || existing.isFile() ? await createPart(path) : undefined;
  const writable = <R>(work: Promise<R>): Promise<R> =>
    work.catch((error: NodeJS.ErrnoException) => {
      const found = error.code ?? error.message;
      throw new OutputError(
        { subject: path, expected: "a place to write", found, remedy: "Name another file." },
        { cause: error },
      );
    });
  try {
    const file = await writable(open(part?.path ?? path, "w"));
    let result: T;
    try {
      result = await write((bytes) => writable(writeAll(file, bytes)));
      if (part !== undefined) await writable(file.sync());
    } finally {
      await file.close();
    }
    if (part !== undefined) await writable(part.keep());
    return result;
  } catch (error) {
    await part?.drop();
    throw error;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes, at)).bytesWritten;
}
