import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { blobFolder, blobSource } from "../../src/sources/blob.ts";
import { openSource } from "../../src/sources/open-source.ts";
import type { ByteSource } from "../../src/sources/source.ts";
import { SourceError } from "../../src/sources/source-error.ts";

const content = Uint8Array.from({ length: 300 }, (_, i) => i % 256);
const kinds: Record<string, () => ByteSource> = {
  Blob: () => blobSource("a.bin", new Blob([content])),
  ArrayBuffer: () => blobSource("a.bin", content.slice().buffer),
  Uint8Array: () => blobSource("a.bin", Uint8Array.of(9, ...content, 9).subarray(1, 301)),
};

for (const [kind, open] of Object.entries(kinds)) {
  describe(`blobSource of a ${kind}`, () => {
    it("reads any range, as a copy", async () => {
      const source = open();
      expect([source.name, source.size]).toEqual(["a.bin", 300]);
      const ranges = fc.tuple(fc.nat(300), fc.nat(300)).filter(([offset, length]) => offset + length <= 300);
      await fc.assert(
        fc.asyncProperty(ranges, async ([offset, length]) => {
          const bytes = await source.read(offset, length);
          expect(bytes).toEqual(content.slice(offset, offset + length));
          expect(bytes.buffer.byteLength).toBe(length);
          bytes.fill(1);
          expect(await source.read(offset, length)).toEqual(content.slice(offset, offset + length));
        }),
      );
      await source.close();
    });

    it("reads to the beginning of a room", async () => {
      const room = new Uint8Array(20);
      const bytes = await open().read(250, 10, undefined, room);
      expect([bytes.buffer, bytes.byteOffset, bytes.byteLength]).toEqual([room.buffer, 0, 10]);
      expect(room).toEqual(Uint8Array.of(...content.slice(250, 260), ...new Uint8Array(10)));
    });

    it("refuses a range outside its bytes", async () => {
      await expect(open().read(299, 2)).rejects.toThrow(
        "a.bin: expected a range within its 300 bytes, found 2 bytes from 299. " +
          "The file is damaged or cut short; fetch it again.",
      );
    });

    it("stops at an aborted signal with the signal's reason", async () => {
      const reason = new Error("stop");
      await expect(open().read(0, 1, AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    it("can be opened again from its descriptor in another thread", async () => {
      const copy = await openSource(structuredClone(open().descriptor));
      expect([copy.name, copy.size]).toEqual(["a.bin", 300]);
      expect(await copy.read(0, 300)).toEqual(content);
    });
  });
}

describe("blobSource", () => {
  // Node 20 has no ArrayBuffer.prototype.transfer.
  it.skipIf(!("transfer" in ArrayBuffer.prototype))("gives back at once what it read to a room", async () => {
    const blob = new Blob([content]);
    const pieces: ArrayBuffer[] = [];
    const slice = vi.spyOn(blob, "slice").mockImplementation((begin = 0, end = 0) => {
      const arrayBuffer = async (): Promise<ArrayBuffer> => {
        pieces.push(content.slice(begin, end).buffer);
        return pieces[pieces.length - 1];
      };
      return { arrayBuffer } as unknown as Blob;
    });
    const source = blobSource("a.bin", blob);
    const kept = await source.read(0, 100);
    await source.read(100, 100, undefined, new Uint8Array(100));
    expect(slice).toHaveBeenCalledTimes(2);
    expect(pieces.map(({ byteLength }) => byteLength)).toEqual([100, 0]);
    expect(kept).toEqual(content.slice(0, 100));
  });

  it("says when a file can no longer be read", async () => {
    const gone = new Blob([content]);
    gone.slice = () => ({ arrayBuffer: () => Promise.reject(new Error("gone")) }) as unknown as Blob;
    await expect(blobSource("a.bin", gone).read(0, 1)).rejects.toThrow(
      "a.bin: expected a readable file, found Error: gone. Choose the file again.",
    );
  });
});

describe("blobFolder", () => {
  const folder = blobFolder("the chosen files", [
    new File(["one"], "one.txt"),
    { name: "two.txt", blob: new Blob(["two"]) },
  ]);

  it("opens files by their names", async () => {
    const texts = await Promise.all(
      ["one.txt", "two.txt"].map(async (name) => {
        const source = await folder.open(name);
        return new TextDecoder().decode(await source?.read(0, source.size));
      }),
    );
    expect(texts).toEqual(["one", "two"]);
  });

  it("gives undefined for others and refuses paths", async () => {
    expect(await folder.open("three.txt")).toBeUndefined();
    await expect(folder.open("../one.txt")).rejects.toThrow(SourceError);
  });
});

describe("openSource", () => {
  it("hands a path to whoever can open it", async () => {
    const file = blobSource("x", new Blob());
    const version = { size: 0, device: 1n, inode: 2n, modifiedNs: 3n };
    const descriptor = { kind: "file", path: "/m.gguf", version } as const;
    const openFile = vi.fn(async () => file);
    expect(await openSource(descriptor, openFile)).toBe(file);
    expect(openFile).toHaveBeenCalledWith("/m.gguf", version);
    await expect(openSource(descriptor)).rejects.toThrow(
      "/m.gguf: expected a Blob or a URL, found a path. Open files on disk in Node.",
    );
  });
});
