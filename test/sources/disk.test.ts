import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diskFolder, openFile } from "../../src/sources/disk.ts";
import { SourceError } from "../../src/sources/source.ts";

const content = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 256);
let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lfm2-disk-"));
  path = join(folder, "file.bin");
  await writeFile(path, content);
  await mkdir(join(folder, "inner"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("openFile", () => {
  it("reads any range as it is on disk", async () => {
    const source = await openFile(path);
    expect([source.name, source.size]).toEqual([path, 1000]);
    expect(source.descriptor).toEqual({ kind: "file", path });
    const ranges = fc.tuple(fc.nat(1000), fc.nat(1000)).filter(([offset, length]) => offset + length <= 1000);
    await fc.assert(
      fc.asyncProperty(ranges, async ([offset, length]) => {
        const bytes = await source.read(offset, length);
        expect(bytes).toEqual(content.slice(offset, offset + length));
        expect(bytes.buffer.byteLength).toBe(length);
      }),
    );
    await source.close();
  });

  it("refuses a range outside the file before it makes room for it", async () => {
    const source = await openFile(path);
    for (const [offset, length] of [
      [0, 1001],
      [1001, 0],
      [1, 1000],
      [-1, 2],
      [0, -1],
      [0.5, 1],
      [0, Number.MAX_SAFE_INTEGER],
      [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
      [Number.NaN, 1],
    ]) {
      await expect(source.read(offset, length)).rejects.toThrow(
        `${path}: expected a range within its 1000 bytes, found ${length} bytes from ${offset}. ` +
          "The file is damaged or cut short; fetch it again.",
      );
    }
    await source.close();
  });

  it("names what is wrong with a path", async () => {
    await expect(openFile(join(folder, "none"))).rejects.toThrow(
      `${join(folder, "none")}: expected a file, found nothing there. Check the path.`,
    );
    await expect(openFile(folder)).rejects.toThrow(
      `${folder}: expected a file, found something else there. Name one of the files in it.`,
    );
    await expect(openFile("a\0b")).rejects.toThrow(SourceError);
  });

  it("notices a file cut while open", async () => {
    const cut = join(folder, "cut.bin");
    await writeFile(cut, content);
    const source = await openFile(cut);
    await truncate(cut, 10);
    await expect(source.read(0, 20)).rejects.toThrow(
      `${cut}: expected 1000 bytes, found 10: it was cut while open. Open it again.`,
    );
    await source.close();
  });

  it("stops at an aborted signal with the signal's reason", async () => {
    const source = await openFile(path);
    const reason = new Error("stop");
    await expect(source.read(0, 1, AbortSignal.abort(reason))).rejects.toBe(reason);
    await source.close();
  });
});

describe("diskFolder", () => {
  it("opens the files in it, and gives undefined for others", async () => {
    const source = await diskFolder(folder).open("file.bin");
    expect(source?.size).toBe(1000);
    await source?.close();
    expect(await diskFolder(folder).open("none.bin")).toBeUndefined();
  });

  it("does not open what is no file", async () => {
    await expect(diskFolder(folder).open("inner")).rejects.toThrow("expected a file, found something else there");
  });

  it("says when it is not there itself", async () => {
    const missing = join(folder, "missing");
    await expect(diskFolder(missing).open("file.bin")).rejects.toThrow(
      `${missing}: expected a folder, found none there. Check the path.`,
    );
  });

  it("opens nothing outside itself", async () => {
    for (const name of ["../file.bin", "inner/file", "inner\\file", "..", ".", "", "a\0b"]) {
      await expect(diskFolder(folder).open(name)).rejects.toThrow(
        `${folder}: expected a file name without folders, found ${JSON.stringify(name)}. Name the folder and the file apart.`,
      );
    }
  });
});
