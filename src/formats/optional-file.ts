// Files that a folder may lack, read whole and closed again.
import type { ByteSource, Folder } from "../sources/source.ts";
import { MAX_JSON_BYTES } from "./json.ts";

/** Undefined where the folder has no such file. */
export async function readOptional<T>(
  folder: Folder,
  fileName: string,
  read: (source: ByteSource, signal?: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const source = await folder.open(fileName, signal, MAX_JSON_BYTES);
  return source && closing(source, () => read(source, signal));
}

export async function closing<T>(source: ByteSource, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await source.close();
  }
}
