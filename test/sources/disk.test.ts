import { appendFile, mkdir, mkdtemp, rename, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diskFolder, openFile } from "../../src/sources/disk.ts";
import { SourceError } from "../../src/sources/source-error.ts";

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
    const { size, dev, ino, mtimeNs } = await stat(path, { bigint: true });
    const version = { size: Number(size), device: dev, inode: ino, modifiedNs: mtimeNs };
    expect(source.descriptor).toEqual({ kind: "file", path, version });
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

  it("reads into shared memory", async () => {
    const source = await openFile(path);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const bytes = await source.read(10, 500, undefined, new Uint8Array(memory.buffer, 128, 600));
    expect([bytes.buffer, bytes.byteOffset]).toEqual([memory.buffer, 128]);
    expect(bytes.slice()).toEqual(content.slice(10, 510));
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

  const changes: [string, (path: string) => Promise<void>][] = [
    ["written to", (path) => writeFile(path, content)],
    ["grown", (path) => appendFile(path, "x")],
    [
      "replaced by one of the same size and time",
      async (path) => {
        const { atime, mtime } = await stat(path);
        // Times as a Date has them, so that both files can be given the same.
        await writeFile(`${path}.new`, content);
        await utimes(`${path}.new`, atime, mtime);
        await rename(`${path}.new`, path);
      },
    ],
  ];
  it.each(changes)("notices a file that is %s between two openings, and within one", async (_, change) => {
    const changing = join(folder, "changing.bin");
    await writeFile(changing, content);
    await utimes(changing, new Date(1e12), new Date(1e12));
    const source = await openFile(changing);
    const { descriptor } = source;
    if (descriptor.kind !== "file") throw new TypeError(descriptor.kind);
    const before = await openFile(changing, structuredClone(descriptor.version));
    await before.close();
    await source.read(0, 10);
    await change(changing);
    const message =
      /changing\.bin: expected the file that was opened \(1000 bytes of 2001-09-09T01:46:40\.000Z, inode \d+\), found another \(.+\)\. It has been replaced or written to since; open it again\./;
    await expect(openFile(changing, structuredClone(descriptor.version))).rejects.toThrow(message);
    // One that was opened stays as it was when another takes its name.
    const isReplaced = (await stat(changing)).ino !== Number(descriptor.version.inode);
    if (isReplaced) expect(await source.read(0, 1000)).toEqual(content);
    else await expect(source.read(0, 10)).rejects.toThrow(message);
    if (!isReplaced) await expect(source.verify()).rejects.toThrow(message);
    await source.close();
    await expect(source.read(0, 10)).rejects.toThrow("expected a readable file, found EBADF.");
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
    for (const name of ["../file.bin", "inner/file", "inner\\file", "..", ".", "", "a\0b", "a\ud800"]) {
      await expect(diskFolder(folder).open(name)).rejects.toThrow(
        `${folder}: expected a file name without folders, found ${JSON.stringify(name)}. Name the folder and the file separately.`,
      );
    }
  });
});
