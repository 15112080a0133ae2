// A download that was stopped goes on where it was, and only from what is still of use.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FakeHub, REPO, sendSome, serveHub, sha256 } from "./fake-hub.ts";
import { accessTo, bytesOf, emptyFolder, fetched, PART_BYTES } from "./fetched.ts";

const model = bytesOf(350_000);
const name = `hf:${REPO}:Q4_0`;
let hub: FakeHub;
let folder: string;
beforeAll(async () => {
  hub = await serveHub({});
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.files.clear();
  hub.files.set("nano-Q4_0.gguf", model);
  hub.fault = () => false;
  folder = emptyFolder();
});
const blobs = (): string => join(folder, "models--LiquidAI--LFM2-nano-GGUF", "blobs");
const part = (): string => join(blobs(), `${sha256(model)}.lfm2-part`);

/** Stopped when the third part has begun. */
async function stopped(): Promise<void> {
  const stop = new AbortController();
  hub.fault = ({ kind, range = [0, 0] }, response, content) => {
    if (kind !== "file" || range[0] < 2 * PART_BYTES) return false;
    sendSome(response, content, range, 10_000, () => setTimeout(() => stop.abort(new Error("enough")), 30));
    return true;
  };
  await expect(fetched(name, accessTo(hub, folder, { signal: stop.signal }))).rejects.toThrow("enough");
  hub.fault = () => false;
}

/** Bytes that were sent to fetch it to its end. */
async function goneOn(): Promise<number> {
  const before = hub.sent();
  expect(sha256(await fetched(name, accessTo(hub, folder)))).toBe(sha256(model));
  expect(readdirSync(blobs())).toEqual([sha256(model)]);
  return hub.sent() - before;
}

describe("a download that was stopped", () => {
  it("leaves what has come, and no file of the model's name", async () => {
    await stopped();
    expect(readdirSync(blobs()).sort()).toEqual(
      [part(), `${part()}.json`].map((path) => path.slice(blobs().length + 1)),
    );
    const { done } = JSON.parse(readFileSync(`${part()}.json`, "utf8"));
    expect(done.slice(0, 2)).toEqual([PART_BYTES, PART_BYTES]);
    expect(existsSync(join(folder, ".locks/models--LiquidAI--LFM2-nano-GGUF", `${sha256(model)}.lfm2-lock`))).toBe(
      false,
    );
  });

  it("goes on, and fetches nothing twice", async () => {
    await stopped();
    const { done } = JSON.parse(readFileSync(`${part()}.json`, "utf8"));
    const there = done.reduce((sum: number, bytes: number) => sum + bytes, 0);
    expect(await goneOn()).toBe(model.length - there);
  });

  it.each([
    ["is damaged", "{"],
    [
      "is of another file",
      JSON.stringify({ version: 1, size: 350_000, content: "other", partBytes: 100_000, done: [9, 9, 9, 9] }),
    ],
    [
      "claims more than a part has",
      JSON.stringify({ version: 1, size: 350_000, content: sha256(model), partBytes: 100_000, done: [1e9, 0, 0, 0] }),
    ],
    [
      "has too few parts",
      JSON.stringify({ version: 1, size: 350_000, content: sha256(model), partBytes: 100_000, done: [0] }),
    ],
  ])("begins anew where what is known of it %s", async (_, state) => {
    await stopped();
    writeFileSync(`${part()}.json`, state);
    expect(await goneOn()).toBe(model.length);
  });

  it("begins anew where its bytes are gone", async () => {
    await stopped();
    rmSync(part());
    expect(await goneOn()).toBe(model.length);
  });

  it("is fetched again where its bytes are others, as after a power cut", async () => {
    await stopped();
    writeFileSync(part(), bytesOf(250_000, 9));
    expect(await goneOn()).toBeLessThanOrEqual(2 * model.length);
  });

  it("was whole but for its name: nothing is fetched", async () => {
    await stopped();
    writeFileSync(part(), model);
    const state = { version: 1, size: 350_000, content: sha256(model), partBytes: 350_000, done: [350_000] };
    writeFileSync(`${part()}.json`, JSON.stringify(state));
    expect(await goneOn()).toBe(0);
  });
});

it("what has no room on disk is refused before a byte of it is asked for", async () => {
  hub.fault = ({ kind }, response) => {
    if (kind !== "tree") return false;
    const oid = "0".repeat(40);
    const lfs = { oid: "0".repeat(64), size: 2 ** 50, pointerSize: 134 };
    response.end(JSON.stringify([{ type: "file", path: "nano-Q4_0.gguf", size: 2 ** 50, oid, lfs }]));
    return true;
  };
  hub.asked.length = 0;
  await expect(fetched(name, accessTo(hub, folder))).rejects.toThrow(
    /blobs: expected 1125900 GB free on disk, found [\d.]+ GB\. Delete models that are not needed with lfm2 cache rm/,
  );
  expect(hub.asked.map(({ kind }) => kind)).toEqual(["revision", "tree"]);
});

it("a cache that cannot be written is an error that says so", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  await expect(fetched(name, accessTo(hub, file))).rejects.toThrow(
    /expected a place to write, found E(?:NOTDIR|EXIST)\. Check its permissions, or set HF_HUB_CACHE/,
  );
});
