// Opens the bytes that a source describes once more, usually in another thread.
import { blobSource } from "./blob.ts";
import { openKeptFile } from "./kept-file.ts";
import type { ByteSource, FileVersion, SourceDescriptor } from "./source.ts";
import { SourceError } from "./source-error.ts";
import { reopenUrl } from "./url.ts";

/** Opens a path; a file of another version is refused. */
export type OpenFile = (path: string, version?: FileVersion) => Promise<ByteSource>;

/**
 * @param openFile  given by Node's doors; absent in a browser, where no source describes a path
 * @throws SourceError when the bytes cannot be had, or are not those that were described
 */
export async function openSource(
  descriptor: SourceDescriptor,
  openFile?: OpenFile,
  signal?: AbortSignal,
): Promise<ByteSource> {
  if (descriptor.kind === "blob") return blobSource(descriptor.name, descriptor.blob);
  if (descriptor.kind === "kept") return openKeptFile(descriptor);
  if (descriptor.kind === "url") return reopenUrl(descriptor, signal);
  if (openFile) return openFile(descriptor.path, descriptor.version);
  throw new SourceError({
    subject: descriptor.path,
    expected: "a Blob or a URL",
    found: "a path",
    remedy: "Open files on disk in Node.",
  });
}

/** All of them, or none. @throws as `openSource` */
export async function openSources(
  descriptors: readonly SourceDescriptor[],
  openFile?: OpenFile,
  signal?: AbortSignal,
): Promise<ByteSource[]> {
  const opening = descriptors.map((descriptor) => openSource(descriptor, openFile, signal));
  try {
    return await Promise.all(opening);
  } catch (error) {
    const outcomes = await Promise.allSettled(opening);
    await Promise.all(outcomes.map((outcome) => outcome.status === "fulfilled" && outcome.value.close()));
    throw error;
  }
}
