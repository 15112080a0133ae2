// A database of the browser's (IndexedDB) as the place where files are kept, for browsers that have no file system for sites,
// or keep a page from it: WebKitGTK, Firefox's private windows. A file lies there in blocks, which the browser puts into files
// of its own.
// @source https://w3c.github.io/IndexedDB
import { blobSource } from "../sources/blob.ts";
import { discard } from "../sources/discard.ts";
import { SourceError } from "../sources/source-error.ts";
import { beginHash, type CreateHasher } from "./hasher.ts";
import type { OpenPart, Shelf } from "./shelf.ts";
import { siteStorage } from "./site-storage.ts";

export const DATABASE = "lfm2-wasm";
/** By path. */
const FILES = "files";
/** By file and index. */
const BLOCKS = "blocks";
/** Divides a download's part, so that a block is of one part. */
const BLOCK_BYTES = 4 << 20;

type Entry = { readonly text: string } | FileEntry;
interface FileEntry {
  readonly id: string;
  readonly size: number;
}
type StoreName = typeof FILES | typeof BLOCKS;

/** @throws what the browser says where it has none */
export async function siteDatabase(): Promise<IDBDatabase> {
  // Its locks and hashes are needed too, and are there on pages with https only.
  if (!globalThis.isSecureContext || navigator.locks === undefined) throw new Error("the page is not secure");
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(FILES);
    request.result.createObjectStore(BLOCKS);
  };
  return resultOf(request);
}

/** @throws what the browser says where it keeps no Blobs in it, as WebKit's private windows do not */
export async function checkBlobs(database: IDBDatabase): Promise<void> {
  const key = ["probe", 0];
  await changed(database, (store) => store(BLOCKS).put(new Blob(["probe"]), key));
  await changed(database, (store) => store(BLOCKS).delete(key));
}

/**
 * @param top  what its paths begin with in the database
 * @param createHasher  for whoever fetches files
 */
export function databaseShelf(database: IDBDatabase, top: string, createHasher?: CreateHasher): Shelf {
  const at = (path: string): string => (path === "" ? top : `${top}/${path}`);
  const entryAt = (path: string): Promise<Entry | undefined> => read(database, FILES, (files) => files.get(at(path)));
  const fileAt = async (path: string): Promise<FileEntry> => {
    const entry = await entryAt(path);
    if (entry !== undefined && "id" in entry) return entry;
    throw new DOMException(`${path} is not there`, "NotFoundError");
  };

  return {
    ...siteStorage(top),
    async size(path) {
      const entry = await entryAt(path);
      return entry && "size" in entry ? entry.size : undefined;
    },
    async text(path) {
      const entry = await entryAt(path);
      return entry && "text" in entry ? entry.text : undefined;
    },
    async putText(path, text) {
      await changed(database, (store) => store(FILES).put({ text } satisfies Entry, at(path)));
    },
    async names(path) {
      const keys = await read(database, FILES, (files) => files.getAllKeys(within(at(path))));
      const names = keys.map(
        (key) =>
          String(key)
            .slice(at(path).length + 1)
            .split("/")[0],
      );
      return [...new Set(names)].sort();
    },
    async move(from, to) {
      const entry = await fileAt(from);
      const other = await entryAt(to);
      await changed(database, (store) => {
        if (other && "id" in other) store(BLOCKS).delete(blocksOf(other.id));
        store(FILES).put(entry, at(to));
        store(FILES).delete(at(from));
      });
    },
    async remove(path) {
      const files = await read(database, FILES, (store) => store.getAllKeys(within(at(path))));
      for (const key of [at(path), ...files.map(String)]) {
        const entry: Entry | undefined = await read(database, FILES, (store) => store.get(key));
        await changed(database, (store) => {
          if (entry && "id" in entry) store(BLOCKS).delete(blocksOf(entry.id));
          store(FILES).delete(key);
        });
      }
    },
    async openPart(path, size, isNew) {
      if (!isNew) return openBlocks(database, (await fileAt(path)).id, size);
      const id = crypto.randomUUID();
      const other = await entryAt(path);
      await changed(database, (store) => {
        if (other && "id" in other) store(BLOCKS).delete(blocksOf(other.id));
        store(FILES).put({ id, size } satisfies Entry, at(path));
      });
      return openBlocks(database, id, size);
    },
    async hash(path, size, kind, signal, onBytes) {
      const hasher = await beginHash(createHasher, kind, size);
      const { id } = await fileAt(path);
      for (let done = 0; done < size; done += BLOCK_BYTES) {
        signal?.throwIfAborted();
        const block: Blob | undefined = await read(database, BLOCKS, (store) => store.get([id, done / BLOCK_BYTES]));
        if (block === undefined) break; // It is shorter than it should be, and its hash will be another.
        const bytes = new Uint8Array(await block.arrayBuffer());
        hasher.update(bytes);
        discard(bytes);
        onBytes?.(Math.min(size, done + BLOCK_BYTES));
      }
      return hasher.digest("hex");
    },
    async open(path) {
      const { id, size } = await fileAt(path);
      const blocks: Blob[] = await read(database, BLOCKS, (store) => store.getAll(blocksOf(id)));
      const content = new Blob(blocks);
      if (content.size === size) return blobSource(path, content);
      throw new SourceError({
        subject: `${path} in this browser's storage`,
        expected: `${size} bytes`,
        found: `${content.size}`,
        remedy: "Delete it with removeCached(), and open it again.",
      });
    },
  };
}

/** All that lies in a folder, at whatever depth: what follows "/", and comes before "0". */
const within = (folder: string): IDBKeyRange => IDBKeyRange.bound(`${folder}/`, `${folder}0`, true, true);
const blocksOf = (id: string): IDBKeyRange => IDBKeyRange.bound([id, 0], [id, Number.POSITIVE_INFINITY]);

/** A block that has been begun, and is not yet kept as it is. */
interface Begun {
  readonly bytes: Uint8Array<ArrayBuffer>;
  isChanged: boolean;
}

/** What is written is gathered in blocks, each of which is kept once it is whole, and until then whenever it is flushed. */
function openBlocks(database: IDBDatabase, id: string, size: number): OpenPart {
  const begun = new Map<number, Promise<Begun>>();

  async function begin(index: number): Promise<Begun> {
    const bytes = new Uint8Array(Math.min(BLOCK_BYTES, size - index * BLOCK_BYTES));
    const kept: Blob | undefined = await read(database, BLOCKS, (store) => store.get([id, index]));
    if (kept !== undefined) bytes.set(new Uint8Array(await kept.arrayBuffer()).subarray(0, bytes.length));
    return { bytes, isChanged: false };
  }
  async function keep(index: number, block: Begun, durability: IDBTransactionDurability): Promise<void> {
    if (!block.isChanged) return;
    block.isChanged = false;
    try {
      await changed(database, (store) => store(BLOCKS).put(new Blob([block.bytes]), [id, index]), durability);
    } catch (error) {
      block.isChanged = true;
      throw error;
    }
  }

  return {
    async write(offset, bytes) {
      for (let done = 0; done < bytes.length; ) {
        const index = Math.floor((offset + done) / BLOCK_BYTES);
        const beginning = begun.get(index) ?? begin(index);
        begun.set(index, beginning);
        const block = await beginning;
        const place = offset + done - index * BLOCK_BYTES;
        const piece = bytes.subarray(done, done + block.bytes.length - place);
        block.bytes.set(piece, place);
        block.isChanged = true;
        done += piece.length;
        if (place + piece.length < block.bytes.length) continue;
        await keep(index, block, "relaxed");
        if (!block.isChanged) begun.delete(index);
      }
    },
    async flush() {
      for (const [index, beginning] of begun) await keep(index, await beginning, "strict");
    },
    close: async () => begun.clear(),
  };
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function read<T>(database: IDBDatabase, name: StoreName, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return resultOf(ask(database.transaction(name).objectStore(name)));
}

/** All of it, or nothing. */
function changed(
  database: IDBDatabase,
  change: (store: (name: StoreName) => IDBObjectStore) => unknown,
  durability: IDBTransactionDurability = "strict",
): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction([FILES, BLOCKS], "readwrite", { durability });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new DOMException("given up", "AbortError"));
    change((name) => transaction.objectStore(name));
  });
}
