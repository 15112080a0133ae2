// A file that a browser keeps, opened in another thread: read through a handle where there is one, else as a Blob.
import { describe, expect, it } from "vitest";
import { keptFile } from "../../src/sources/kept-file.ts";
import { openSource } from "../../src/sources/open-source.ts";

const content = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

/** A handle of a file; it reads at most so many bytes at once. */
function handleOf(bytes: Uint8Array, most = bytes.length) {
  const log: string[] = [];
  const access = {
    getSize: () => bytes.length,
    read(into: Uint8Array, { at }: { at: number }): number {
      log.push("read");
      const piece = bytes.subarray(at, at + Math.min(most, into.length));
      into.set(piece);
      return piece.length;
    },
    close: () => void log.push("close"),
  };
  return { log, handle: { createSyncAccessHandle: async () => access } as unknown as FileSystemFileHandle };
}

describe("a kept file", () => {
  it("is read as a Blob by whoever opens it, and through a handle by another thread", async () => {
    const { handle, log } = handleOf(content, 64);
    const source = keptFile("model", handle, new Blob([content]));
    expect(await source.read(10, 100)).toEqual(content.slice(10, 110));
    expect(log).toEqual([]);
    const other = await openSource(source.descriptor);
    const room = new Uint8Array(200);
    const bytes = await other.read(300, 130, undefined, room);
    expect(bytes).toEqual(content.slice(300, 430));
    expect(bytes.buffer).toBe(room.buffer);
    await other.close();
    expect(log).toEqual(["read", "read", "read", "close"]);
  });

  it("is read as a Blob where a handle cannot be had", async () => {
    const refuse = async (): Promise<never> => {
      throw new DOMException("in use", "NoModificationAllowedError");
    };
    const handle = { createSyncAccessHandle: refuse } as unknown as FileSystemFileHandle;
    const other = await openSource(keptFile("model", handle, new Blob([content])).descriptor);
    expect(await other.read(0, 1000)).toEqual(content);
    expect(other.descriptor.kind).toBe("blob");
  });

  it("is refused when it has another size than before, or ends early", async () => {
    const { handle, log } = handleOf(content.subarray(0, 999));
    const opening = openSource(keptFile("model", handle, new Blob([content])).descriptor);
    await expect(opening).rejects.toThrow("model: expected 1000 bytes, found 999. Open it again.");
    expect(log).toEqual(["close"]);
    const short = handleOf(content);
    const other = await openSource(keptFile("model", short.handle, new Blob([content])).descriptor);
    await expect(other.read(990, 11)).rejects.toThrow("expected a range within its 1000 bytes");
  });
});
