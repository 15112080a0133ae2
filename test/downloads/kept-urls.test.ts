// Files of URLs that are kept: fetched once for each version, and found again when nobody answers.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type KeepingOptions, keptUrls, locateKept } from "../../src/downloads/kept-urls.ts";
import { NoRoomError } from "../../src/downloads/no-room.ts";
import { nodeShelf } from "../../src/downloads/node-shelf.ts";
import type { Shelf } from "../../src/downloads/shelf.ts";
import { type Answer, type ScriptedServer, says, sends, serveScript } from "../sources/scripted-server.ts";

const file = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7919) >> 8);
const other = file.map((byte) => byte ^ 1);
let answer: Answer;
let server: ScriptedServer;
let root: string;
beforeAll(async () => {
  server = await serveScript((asked, response) => answer(asked, response));
});
afterAll(() => server.close());
beforeEach(() => {
  answer = sends(file);
  root = mkdtempSync(join(tmpdir(), "lfm2-kept-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const patience = { tries: 2, retryMs: 1, longestWaitMs: 10, stallMs: 10_000 };

async function opened(
  options: Partial<KeepingOptions> = {},
  query = "",
): Promise<[bytes: Uint8Array, warnings: readonly string[]]> {
  const { folder, file: name } = locateKept(`${server.url}/folder/model.gguf${query}`, {
    shelf: nodeShelf(root),
    offline: false,
    patience,
    ...options,
  });
  const source = await folder.open(name as string);
  if (source === undefined) return [new Uint8Array(), folder.warnings?.() ?? []];
  try {
    return [await source.read(0, source.size), folder.warnings?.() ?? []];
  } finally {
    await source.close();
  }
}

/** Of bodies asked for since. */
async function bytesAsked(work: () => Promise<unknown>): Promise<number> {
  const before = server.asked.length;
  await work();
  return server.asked.slice(before).reduce((sum, { begin, end }) => sum + end - begin, 0);
}

describe("a file of a URL", () => {
  it("is fetched once, and asked for its version each time", async () => {
    expect((await opened())[0].every((byte, i) => byte === file[i])).toBe(true);
    expect(
      await bytesAsked(async () => expect((await opened())[0].every((byte, i) => byte === file[i])).toBe(true)),
    ).toBe(2);
  });

  it("is fetched again when it has changed, and the old one goes", async () => {
    await opened();
    answer = sends(other, { ETag: '"second"' });
    expect((await opened())[0].every((byte, i) => byte === other[i])).toBe(true);
    const [kept, ...more] = await keptUrls(nodeShelf(root));
    expect(more).toEqual([]);
    expect(kept.version.etag).toBe('"second"');
    expect(readdirSync(join(root, kept.folder)).length).toBe(2);
  });

  it("that changes while it is fetched is an error, and nothing is kept", async () => {
    answer = (asked, response) =>
      (asked.end - asked.begin > 2 ? sends(other, { ETag: '"second"' }) : sends(file))(asked, response);
    await expect(opened()).rejects.toThrow(/It has changed on the server; open it again/);
    expect(await keptUrls(nodeShelf(root))).toEqual([]);
  });

  it("opens when nobody answers, with a warning, and offline, when nobody is asked", async () => {
    await opened();
    answer = says(503);
    const [bytes, warnings] = await opened();
    expect(bytes.length).toBe(file.length);
    expect(warnings).toEqual([
      `${server.url}/folder/model.gguf cannot be reached; what is kept of it may be out of date.`,
    ]);
    expect(await bytesAsked(async () => expect((await opened({ offline: true }))[0].length).toBe(file.length))).toBe(0);
  });

  it("that was never opened is an error offline", async () => {
    await expect(opened({ offline: true })).rejects.toThrow(
      /expected it in the cache .*, found none there\. Open it once without --offline/,
    );
  });

  it("is not kept where a server does not say which version it is", async () => {
    answer = sends(file, { ETag: undefined });
    await opened();
    expect(await keptUrls(nodeShelf(root))).toEqual([]);
  });

  it("is read by ranges for those who read little", async () => {
    const { folder, file: name } = locateKept(`${server.url}/folder/model.gguf`, {
      shelf: nodeShelf(root),
      offline: false,
      reads: "ranges",
    });
    const source = await folder.open(name as string);
    expect(await bytesAsked(async () => source?.read(10, 20))).toBe(20);
    await source?.close();
    expect(existsSync(join(root))).toBe(true);
    expect(await keptUrls(nodeShelf(root))).toEqual([]);
  });

  it("for which there is no room is read by ranges where that was asked for, and an error elsewhere", async () => {
    const full: Shelf = {
      ...nodeShelf(root),
      async checkRoom() {
        throw new NoRoomError({ subject: "disk", expected: "room", found: "none" });
      },
    };
    const told: string[] = [];
    const [bytes] = await opened({ shelf: full, onNoRoom: ({ message }) => told.push(message) });
    expect(bytes.every((byte, i) => byte === file[i])).toBe(true);
    expect(told).toEqual(["disk: expected room, found none."]);
    await expect(opened({ shelf: full })).rejects.toThrow("disk: expected room, found none.");
    expect(await keptUrls(full)).toEqual([]);
  });

  it("that is larger than is of use is not fetched to learn that", async () => {
    const { folder, file: name } = locateKept(`${server.url}/folder/model.gguf`, {
      shelf: nodeShelf(root),
      offline: false,
      patience,
    });
    const open = async () => (await folder.open(name as string, undefined, 100_000))?.close();
    expect(await bytesAsked(open)).toBe(2);
    expect(await keptUrls(nodeShelf(root))).toEqual([]);
  });

  it("is kept without the query of its address, which may hold a secret", async () => {
    await opened({}, "?signature=secret");
    const [{ url, folder }] = await keptUrls(nodeShelf(root));
    expect(url).toBe(`${server.url}/folder/model.gguf`);
    const { readFileSync } = await import("node:fs");
    expect(readFileSync(join(root, folder, "about.json"), "utf8")).not.toContain("secret");
  });

  it("whose address is signed anew is the same file, fetched once and found offline", async () => {
    await opened({}, "?part=1&X-Amz-Date=1&X-Amz-Signature=first");
    const again = "?part=1&X-Amz-Date=2&X-Amz-Signature=second";
    expect(await bytesAsked(() => opened({}, again))).toBe(2);
    expect(await bytesAsked(() => opened({ offline: true }, again))).toBe(0);
    // Another parameter may name another file.
    expect(await bytesAsked(() => opened({}, "?part=2&X-Amz-Date=1&X-Amz-Signature=third"))).toBe(file.length + 2);
  });

  it("goes on with an address that is signed anew where the first one expired", async () => {
    const pieces = { shelf: nodeShelf(root) };
    // A download that the store ends half way, and then refuses.
    let bodies = 0;
    answer = (asked, response) => {
      const isBody = asked.end - asked.begin > 2;
      if (asked.query.includes("first") && isBody && bodies++ > 0) return says(403)(asked, response);
      if (!isBody || asked.query.includes("second")) return sends(file)(asked, response);
      const headers = { ETag: '"first"', "Content-Range": `bytes 0-${file.length - 1}/${file.length}` };
      response.writeHead(206, { ...headers, "Content-Length": file.length });
      response.write(file.subarray(0, 150_000), () => setTimeout(() => response.destroy(), 50));
    };
    await expect(opened(pieces, "?Expires=1&Signature=first")).rejects.toThrow(
      /model\.gguf: expected HTTP 206, found HTTP 403\. Its signature may have expired: ask for a new address/,
    );
    const asked = await bytesAsked(() => opened(pieces, "?Expires=2&Signature=second"));
    expect(asked).toBe(2 + 50_000);
  });

  it("of which a part had come when it changed is fetched anew, and the part goes", async () => {
    let bodies = 0;
    answer = (asked, response) => {
      if (asked.end - asked.begin <= 2) return sends(file)(asked, response);
      if (bodies++ > 0) return says(404)(asked, response);
      const headers = { ETag: '"first"', "Content-Range": `bytes 0-${file.length - 1}/${file.length}` };
      response.writeHead(206, { ...headers, "Content-Length": file.length });
      response.write(file.subarray(0, 150_000), () => setTimeout(() => response.destroy(), 50));
    };
    await expect(opened()).rejects.toThrow(/HTTP 404/);
    answer = sends(other, { ETag: '"second"' });
    expect(
      await bytesAsked(async () => expect((await opened())[0].every((byte, i) => byte === other[i])).toBe(true)),
    ).toBe(2 + other.length);
    const [{ folder }] = await keptUrls(nodeShelf(root));
    expect(readdirSync(join(root, folder)).length).toBe(2);
  });
});
