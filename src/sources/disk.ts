// Files and folders on disk. The one file of this room that needs Node.
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkFileName, checkRange } from "./checks.ts";
import type { ByteSource, FileVersion, Folder } from "./source.ts";
import { SourceError } from "./source-error.ts";

/** Bytes of one read call; the signal is checked between two. Node takes at most 2 GiB. */
const CHUNK_BYTES = 64 * 1024 * 1024;

/**
 * @param version  which file it has to be, and in which state
 * @throws SourceError when there is no such file, it cannot be read, or it is of another version
 */
export async function openFile(path: string, version?: FileVersion): Promise<ByteSource> {
  const source = await tryOpenFile(path, version);
  if (source) return source;
  throw new SourceError({ subject: path, expected: "a file", found: "nothing there", remedy: "Check the path." });
}

/** The files directly in `path`. */
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
    async subfolder(name) {
      checkFileName(path, name);
      const inner = join(path, name);
      return (await isFolder(inner)) ? diskFolder(inner) : undefined;
    },
  };
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function checkFolder(path: string): Promise<void> {
  if (!(await isFolder(path))) {
    throw new SourceError({ subject: path, expected: "a folder", found: "none there", remedy: "Check the path." });
  }
}

async function tryOpenFile(path: string, version?: FileVersion): Promise<ByteSource | undefined> {
  try {
    // Before it is opened, because opening a pipe waits until somebody writes to it.
    const found = await stat(path);
    if (found.isFile()) return await fileSource(path, await open(path, "r"), version);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    if (isNodeError(error) && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
    throw unreadable(path, error);
  }
  throw new SourceError({
    subject: path,
    expected: "a file",
    found: "something else there",
    remedy: "Name one of the files in it.",
  });
}

async function fileSource(path: string, file: FileHandle, expected?: FileVersion): Promise<ByteSource> {
  try {
    const version = await versionOf(path, file);
    if (expected !== undefined) checkSame(path, expected, version);
    return openedSource(path, file, version);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function openedSource(path: string, file: FileHandle, version: FileVersion): ByteSource {
  const { size } = version;
  const verify = async (): Promise<void> => checkSame(path, version, await versionOf(path, file));
  return {
    name: path,
    size,
    descriptor: { kind: "file", path, version },
    async read(offset, length, signal, room) {
      signal?.throwIfAborted();
      checkRange(path, size, offset, length);
      const bytes = room?.subarray(0, length) ?? new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const want = Math.min(CHUNK_BYTES, length - at);
        const { bytesRead } = await file.read(bytes, at, want, offset + at).catch((error) => {
          throw unreadable(path, error);
        });
        signal?.throwIfAborted();
        if (bytesRead === 0) {
          throw new SourceError({
            subject: path,
            expected: `${size} bytes`,
            found: `${offset + at}: it was cut while open`,
            remedy: "Open it again.",
          });
        }
        at += bytesRead;
      }
      // Somebody may have written to it in the meantime.
      await verify();
      return bytes;
    },
    verify,
    close: () => file.close(),
  };
}

/** Of the opened file, not of its path: some platforms report the two differently, and the path may name another file by now. */
async function versionOf(path: string, file: FileHandle): Promise<FileVersion> {
  const { size, dev, ino, mtimeNs } = await file.stat({ bigint: true }).catch((error) => {
    throw unreadable(path, error);
  });
  return { size: Number(size), device: dev, inode: ino, modifiedNs: mtimeNs };
}

/** @throws SourceError when a file is not the one that was opened, or has been written to since */
function checkSame(path: string, opened: FileVersion, found: FileVersion): void {
  const { size, device, inode, modifiedNs } = opened;
  const isSame = found.size === size && found.modifiedNs === modifiedNs;
  if (isSame && found.device === device && found.inode === inode) return;
  throw new SourceError({
    subject: path,
    expected: `the file that was opened (${describe(opened)})`,
    found: `another (${describe(found)})`,
    remedy: "It has been replaced or written to since; open it again.",
  });
}

function describe({ size, inode, modifiedNs }: FileVersion): string {
  // A file system may state a time that no Date can hold.
  const date = new Date(Number(modifiedNs / 1_000_000n));
  const time = Number.isNaN(date.getTime()) ? `${modifiedNs} ns` : date.toISOString();
  return `${size} bytes of ${time}, inode ${inode}`;
}

function isNodeError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error;
}

function unreadable(path: string, error: unknown): SourceError {
  const reason = isNodeError(error) ? error.code : String(error);
  const remedy = "Check its permissions.";
  return new SourceError({ subject: path, expected: "a readable file", found: `${reason}`, remedy }, { cause: error });
}
