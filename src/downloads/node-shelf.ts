// A folder on disk as the place where files are kept.
import { createHash, randomUUID } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { formatBytes } from "../quantities.ts";
import { openFile } from "../sources/disk.ts";
import { SourceError } from "../sources/source-error.ts";
import { NoRoomError } from "./no-room.ts";
import { withLock } from "./node-lock.ts";
import type { Shelf } from "./shelf.ts";

const HASHED_PIECE_BYTES = 1 << 20;

export function nodeShelf(root: string): Shelf {
  const at = (path: string): string => join(root, ...path.split("/"));
  const made = async (path: string): Promise<string> => {
    await mkdir(dirname(at(path)), { recursive: true });
    return at(path);
  };
  return {
    name: root,
    size: (path) => sizeOf(at(path)),
    text: (path) => readFile(at(path), "utf8").catch(() => undefined),
    async putText(path, text) {
      const own = `${await made(path)}.${randomUUID()}`;
      await writeFile(own, text);
      await rename(own, at(path));
    },
    names: (path) => readdir(at(path)).catch(() => []),
    async move(from, to) {
      await rename(at(from), await made(to));
    },
    remove: (path) => rm(at(path), { recursive: true, force: true }),
    async openPart(path, size, isNew) {
      // Not emptied first: should a process that slept still write to it, it writes the same bytes to the same places.
      const flags = constants.O_RDWR | (isNew ? constants.O_CREAT : 0);
      const file = await open(await made(path), flags);
      if ((await file.stat()).size > size) await file.truncate(size);
      return {
        async write(offset, bytes) {
          for (let done = 0; done < bytes.length; ) {
            done += (await file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
          }
        },
        flush: () => file.datasync(),
        close: () => file.close(),
      };
    },
    async hash(path, size, kind, signal, onBytes) {
      const hash = createHash(kind === "git" ? "sha1" : "sha256");
      if (kind === "git") hash.update(`blob ${size}\0`);
      let done = 0;
      for await (const piece of createReadStream(at(path), { highWaterMark: HASHED_PIECE_BYTES })) {
        signal?.throwIfAborted();
        hash.update(piece as Buffer);
        done += (piece as Buffer).length;
        onBytes?.(done);
      }
      return hash.digest("hex");
    },
    open: (path) => openFile(at(path)),
    async checkRoom(path, bytes) {
      const folder = dirname(await made(path));
      const { bavail, bsize } = await statfs(folder);
      const free = bavail * bsize;
      if (bytes <= free) return;
      throw new NoRoomError({
        subject: folder,
        expected: `${formatBytes(bytes)} free on disk`,
        found: formatBytes(free),
        remedy:
          "Delete models that are not needed with lfm2 cache rm, or set HF_HUB_CACHE to a folder on another disk.",
      });
    },
    withLock: (path, options, work) => withLock(at(path), options, work),
    failure(path, error) {
      const { code, syscall } = (error instanceof Error ? error : {}) as NodeJS.ErrnoException;
      if (typeof code !== "string" || typeof syscall !== "string" || error instanceof SourceError) return error;
      const remedy =
        code === "ENOSPC"
          ? "The disk is full; make room, and open it again: what has come is kept."
          : "Check its permissions, or set HF_HUB_CACHE to a folder that can be written.";
      const parts = { subject: at(path), expected: "a place to write", found: code, remedy };
      return new SourceError(parts, { cause: error });
    },
  };
}

/** @returns undefined where there is no such file */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}
