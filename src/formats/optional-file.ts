// Files that a folder may lack, read whole and closed again.
import type { ByteSource, Folder } from "../sources/source.ts";
import { type JsonObject, jsonLimits, readJson } from "./json.ts";

/** Undefined where the folder has no such file. @throws FormatError when it has more than `most` bytes */
export async function readOptional<T>(
  folder: Folder,
  fileName: string,
  most: number,
  read: (source: ByteSource, most: number, signal?: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const source = await folder.open(fileName, signal, most);
  return source && closing(source, () => read(source, most, signal));
}

/** config.json or one of its kin. */
export function readSettings(folder: Folder, fileName: string, signal?: AbortSignal): Promise<JsonObject | undefined> {
  const { settings } = jsonLimits;
  const read = (source: ByteSource) => readJson(source, settings, signal);
  return readOptional(folder, fileName, settings.bytes, read, signal);
}

export async function closing<T>(source: ByteSource, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await source.close();
  }
}
