// Opens, in another thread, the bytes a source there describes.
import { blobSource } from "./blob.ts";
import { type ByteSource, type SourceDescriptor, SourceError } from "./source.ts";
import { openUrl } from "./url.ts";

/**
 * @param openFile  opens a path; given by Node's doors, absent in a browser, where no source describes a path
 * @throws SourceError when the bytes cannot be had
 */
export async function openSource(
  descriptor: SourceDescriptor,
  openFile?: (path: string) => Promise<ByteSource>,
  signal?: AbortSignal,
): Promise<ByteSource> {
  if (descriptor.kind === "blob") return blobSource(descriptor.name, descriptor.blob);
  if (descriptor.kind === "url") return openUrl(descriptor.url, descriptor.headers, signal);
  if (openFile) return openFile(descriptor.path);
  throw new SourceError(`${descriptor.path}: expected a Blob or a URL, found a path. Open files on disk in Node.`);
}
