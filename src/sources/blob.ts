// Files held by a browser or in memory: Blob, File, ArrayBuffer, Uint8Array.
import { checkFileName, checkRange } from "./checks.ts";
import { discard } from "./discard.ts";
import type { ByteSource, Folder } from "./source.ts";
import { SourceError } from "./source-error.ts";

/** Bytes of `content`, read where they lie; a Blob backed by a file on disk stays there. */
export function blobSource(name: string, content: Blob | ArrayBuffer | Uint8Array<ArrayBuffer>): ByteSource {
  if (content instanceof Blob) return fromBlob(name, content);
  return fromBytes(name, content instanceof ArrayBuffer ? new Uint8Array(content) : content);
}

/** Files under their own names, as from a browser's file input. */
export function blobFolder(
  name: string,
  files: Iterable<File | { readonly name: string; readonly blob: Blob }>,
  subfolders: ReadonlyMap<string, Folder> = new Map(),
): Folder {
  const byName = new Map<string, Blob>();
  for (const file of files) byName.set(file.name, "blob" in file ? file.blob : file);
  return {
    name,
    async open(fileName, signal) {
      checkFileName(name, fileName);
      signal?.throwIfAborted();
      const blob = byName.get(fileName);
      return blob && fromBlob(fileName, blob);
    },
    list: async () => [...byName.keys()],
    subfolder: async (inner) => subfolders.get(inner),
  };
}

function fromBlob(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    descriptor: { kind: "blob", name, blob },
    async read(offset, length, signal, room) {
      signal?.throwIfAborted();
      checkRange(name, blob.size, offset, length);
      const buffer = await blob
        .slice(offset, offset + length)
        .arrayBuffer()
        .catch((error) => {
          throw new SourceError(
            { subject: name, expected: "a readable file", found: error, remedy: "Choose the file again." },
            {
              cause: error,
            },
          );
        });
      signal?.throwIfAborted();
      return placedIn(room, buffer);
    },
    // A Blob does not change; if its file on disk has changed, it can no longer be read.
    verify: async () => {},
    close: async () => {},
  };
}

type Bytes = Uint8Array<ArrayBuffer>;

function placedIn(room: Bytes | undefined, buffer: ArrayBuffer): Bytes {
  const bytes = new Uint8Array(buffer);
  if (room === undefined) return bytes;
  const placed = room.subarray(0, bytes.length);
  placed.set(bytes);
  discard(bytes);
  return placed;
}

function fromBytes(name: string, bytes: Uint8Array<ArrayBuffer>): ByteSource {
  return {
    name,
    size: bytes.length,
    // A Blob is a copy, so it is made only for the thread that asks.
    get descriptor() {
      return { kind: "blob", name, blob: new Blob([bytes]) } as const;
    },
    async read(offset, length, signal, room = new Uint8Array(length)) {
      signal?.throwIfAborted();
      checkRange(name, bytes.length, offset, length);
      const placed = room.subarray(0, length);
      placed.set(bytes.subarray(offset, offset + length));
      return placed;
    },
    verify: async () => {},
    close: async () => {},
  };
}
