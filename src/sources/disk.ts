// Files and folders on disk. The one file of this room that needs Node.
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkFileName, checkRange } from "./checks.ts";
import { type ByteSource, type Folder, SourceError } from "./source.ts";

/** One read call; between two the signal is looked at. Node takes at most 2 GiB. */
const CHUNK_BYTES = 64 * 1024 * 1024;

/** @throws SourceError when there is no such file or it cannot be read */
export async function openFile(path: string): Promise<ByteSource> {
  const source = await tryOpenFile(path);
  if (source) return source;
  throw new SourceError(`${path}: expected a file, found nothing there. Check the path.`);
}

/** The files directly in `path`; subfolders are out of reach. */
export function diskFolder(path: string): Folder {
  return {
    name: path,
    async open(fileName, signal) {
      checkFileName(path, fileName);
      signal?.throwIfAborted();
      const source = await tryOpenFile(join(path, fileName));
      if (!source) await checkFolder(path);
      return source;
    },
    async list() {
      const entries = await readdir(path, { withFileTypes: true }).catch((error) => {
        throw unreadable(path, error);
      });
      return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    },
  };
}

async function checkFolder(path: string): Promise<void> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new SourceError(`${path}: expected a folder, found none there. Check the path.`);
}

async function tryOpenFile(path: string): Promise<ByteSource | undefined> {
  try {
    // Before it is opened, for opening a pipe waits until somebody writes to it.
    const found = await stat(path);
    if (found.isFile()) return fileSource(path, await open(path, "r"), found.size);
  } catch (error) {
    if (isNodeError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
    throw unreadable(path, error);
  }
  throw new SourceError(`${path}: expected a file, found something else there. Name one of the files in it.`);
}

function fileSource(path: string, file: FileHandle, size: number): ByteSource {
  return {
    name: path,
    size,
    descriptor: { kind: "file", path },
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(path, size, offset, length);
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const want = Math.min(CHUNK_BYTES, length - at);
        const { bytesRead } = await file.read(bytes, at, want, offset + at).catch((error) => {
          throw unreadable(path, error);
        });
        signal?.throwIfAborted();
        if (bytesRead === 0) {
          throw new SourceError(
            `${path}: expected ${size} bytes, found ${offset + at}: it was cut while open. Open it again.`,
          );
        }
        at += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

function isNodeError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error;
}

function unreadable(path: string, error: unknown): SourceError {
  const reason = isNodeError(error) ? error.code : String(error);
  return new SourceError(`${path}: expected a readable file, found ${reason}. Check its permissions.`, {
    cause: error,
  });
}
