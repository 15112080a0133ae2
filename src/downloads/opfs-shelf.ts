// The file system that a browser keeps for a site (OPFS) as the place where files are kept. Files are written in a worker;
// a page can list and remove them.
// @source https://fs.spec.whatwg.org
import { keptFile } from "../sources/kept-file.ts";
import { wait } from "../sources/patience.ts";
import { beginHash, type CreateHasher } from "./hasher.ts";
import type { Shelf } from "./shelf.ts";
import { siteStorage } from "./site-storage.ts";

/** What lib.dom.d.ts leaves to workers, or out. */
interface AccessHandle {
  read(into: Uint8Array, options: { readonly at: number }): number;
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  getSize(): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}
type FileHandle = FileSystemFileHandle & {
  createSyncAccessHandle(): Promise<AccessHandle>;
  move(to: FileSystemDirectoryHandle, name: string): Promise<void>;
};

const HASHED_PIECE_BYTES = 4 << 20;
/** Another tab may be writing the same few bytes. */
const LOCKED_TRIES = 50;
const LOCKED_MS = 20;

/** Where this site keeps files. @throws what the browser says where it keeps none */
export async function siteFolder(): Promise<FileSystemDirectoryHandle> {
  // Left out on pages without https, and by some browsers.
  if (navigator.storage?.getDirectory === undefined) throw new Error("navigator.storage.getDirectory is not there");
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle("lfm2-wasm", { create: true });
}

/** In a worker. @throws what the browser says where files cannot be written in place */
export async function checkWriting(folder: FileSystemDirectoryHandle): Promise<void> {
  const name = `probe-${crypto.randomUUID()}`;
  const file = (await folder.getFileHandle(name, { create: true })) as FileHandle;
  try {
    (await file.createSyncAccessHandle()).close();
  } finally {
    await folder.removeEntry(name);
  }
}

/**
 * @param top  the folder in `site` that is its root
 * @param createHasher  for whoever fetches files
 */
export function opfsShelf(site: FileSystemDirectoryHandle, top: string, createHasher?: CreateHasher): Shelf {
  async function folderAt(names: readonly string[], create: boolean): Promise<FileSystemDirectoryHandle> {
    let folder = await site.getDirectoryHandle(top, { create });
    for (const name of names) if (name !== "") folder = await folder.getDirectoryHandle(name, { create });
    return folder;
  }
  async function placeOf(path: string, create: boolean): Promise<[FileSystemDirectoryHandle, string]> {
    const names = path.split("/");
    const name = names.pop() as string;
    return [await folderAt(names, create), name];
  }
  async function fileAt(path: string, create = false): Promise<FileHandle> {
    const [folder, name] = await placeOf(path, create);
    return (await folder.getFileHandle(name, { create })) as FileHandle;
  }
  async function accessTo(path: string, create = false): Promise<AccessHandle> {
    const file = await fileAt(path, create);
    for (let tries = 1; ; tries++) {
      try {
        return await file.createSyncAccessHandle();
      } catch (error) {
        if ((error as Error).name !== "NoModificationAllowedError" || tries === LOCKED_TRIES) throw error;
        await wait(LOCKED_MS, undefined);
      }
    }
  }

  const storage = siteStorage(top);
  const shelf: Shelf = {
    ...storage,
    size: async (path) =>
      fileAt(path)
        .then((file) => file.getFile())
        .then(({ size }) => size)
        .catch(() => undefined),
    text: async (path) =>
      fileAt(path)
        .then((file) => file.getFile())
        .then((file) => file.text())
        .catch(() => undefined),
    // A text that is cut off is no JSON, and then counts as none.
    async putText(path, text) {
      const handle = await accessTo(path, true);
      try {
        const bytes = new TextEncoder().encode(text);
        handle.truncate(0);
        handle.write(bytes, { at: 0 });
        handle.flush();
      } finally {
        handle.close();
      }
    },
    async names(path) {
      const names: string[] = [];
      const folder = await folderAt(path.split("/"), false).catch(() => undefined);
      if (folder !== undefined) for await (const name of folder.keys()) names.push(name);
      return names.sort();
    },
    async move(from, to) {
      await shelf.remove(to);
      const file = await fileAt(from);
      await file.move(...(await placeOf(to, true)));
    },
    async remove(path) {
      try {
        const [folder, name] = await placeOf(path, false);
        await folder.removeEntry(name, { recursive: true });
      } catch (error) {
        if ((error as Error).name !== "NotFoundError") throw storage.failure(path, error);
      }
    },
    async openPart(path, size, isNew) {
      const handle = await accessTo(path, isNew);
      // All of it at once: Chromium asks for room each time that a file grows, which takes as long as fetching it.
      if (handle.getSize() !== size) handle.truncate(size);
      return {
        async write(offset, bytes) {
          for (let done = 0; done < bytes.length; ) {
            const count = handle.write(bytes.subarray(done), { at: offset + done });
            if (count === 0) throw new DOMException("no byte could be written", "QuotaExceededError");
            done += count;
          }
        },
        flush: async () => handle.flush(),
        close: async () => handle.close(),
      };
    },
    async hash(path, size, kind, signal, onBytes) {
      const hasher = await beginHash(createHasher, kind, size);
      const handle = await accessTo(path);
      try {
        const piece = new Uint8Array(HASHED_PIECE_BYTES);
        for (let done = 0; done < size; ) {
          signal?.throwIfAborted();
          const count = handle.read(piece.subarray(0, Math.min(piece.length, size - done)), { at: done });
          if (count === 0) break; // It is shorter than it should be, and its hash will be another.
          hasher.update(piece.subarray(0, count));
          done += count;
          onBytes?.(done);
        }
        return hasher.digest("hex");
      } finally {
        handle.close();
      }
    },
    async open(path) {
      const handle = await fileAt(path);
      return keptFile(path, handle, await handle.getFile());
    },
  };
  return shelf;
}
