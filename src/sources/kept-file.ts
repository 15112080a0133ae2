// A file that a browser keeps for its site (OPFS), read by the thread that needs it straight into that thread's memory: many
// times as fast as through a Blob, whose bytes go from process to process.
// @source https://fs.spec.whatwg.org/#api-filesystemsyncaccesshandle
import { blobSource } from "./blob.ts";
import { checkRange } from "./checks.ts";
import type { ByteSource, SourceDescriptor } from "./source.ts";
import { SourceError } from "./source-error.ts";

/** What lib.dom.d.ts leaves to workers, or out. */
interface ReadHandle {
  read(into: Uint8Array, options: { readonly at: number }): number;
  getSize(): number;
  close(): void;
}
type KeptHandle = FileSystemFileHandle & {
  createSyncAccessHandle(options: { readonly mode: "read-only" }): Promise<ReadHandle>;
};

/** Reads it as a Blob; another thread may open it by its descriptor, and then reads it directly. */
export function keptFile(name: string, handle: FileSystemFileHandle, blob: Blob): ByteSource {
  return { ...blobSource(name, blob), descriptor: { kind: "kept", name, handle, blob } };
}

/** Directly where it can be; as a Blob in a page's own thread, and while another tab reads it in a browser with one reader. */
export async function openKeptFile(descriptor: SourceDescriptor & { kind: "kept" }): Promise<ByteSource> {
  const { name, handle, blob } = descriptor;
  let access: ReadHandle;
  try {
    // Engines that do not know the mode have one reader at a time.
    access = await (handle as KeptHandle).createSyncAccessHandle({ mode: "read-only" });
  } catch {
    return blobSource(name, blob);
  }
  const { size } = blob;
  if (access.getSize() !== size) {
    const found = `${access.getSize()}`;
    access.close();
    throw new SourceError({ subject: name, expected: `${size} bytes`, found, remedy: "Open it again." });
  }
  return {
    name,
    size,
    descriptor,
    async read(offset, length, signal, room) {
      signal?.throwIfAborted();
      checkRange(name, size, offset, length);
      const bytes = room?.subarray(0, length) ?? new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const count = access.read(bytes.subarray(done), { at: offset + done });
        if (count === 0) {
          const found = `${offset + done}`;
          throw new SourceError({ subject: name, expected: `${size} bytes`, found, remedy: "Open it again." });
        }
        done += count;
      }
      return bytes;
    },
    // Nobody writes to it while the handle is open.
    verify: async () => {},
    close: async () => access.close(),
  };
}
