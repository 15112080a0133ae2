// Models by name: what is fetched, what is kept, what is found again, and by whom.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { noCache } from "../../src/hub/no-cache.ts";
import { locateHub } from "../../src/hub/open-hub.ts";
import { leaveKilled } from "../downloads/left-lock.ts";
import { names, splitFiles } from "../formats/gguf/split-files.ts";
import { tinyTensors } from "../formats/tiny-model.ts";
import { COMMIT, type FakeHub, gitHash, REPO, serveHub, sha256, TOKEN, xetHash } from "./fake-hub.ts";
import { accessTo, bytesOf, emptyFolder, fetched } from "./fetched.ts";

const model = bytesOf(350_000);
const other = bytesOf(2_000, 7);
const config = Buffer.from('{"model_type":"lfm2"}\n');
let hub: FakeHub;
let folder: string;
beforeAll(async () => {
  hub = await serveHub({});
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.files.clear();
  hub.files.set("config.json", config).set("nano-Q4_0.gguf", model).set("nano-Q8_0.gguf", other);
  hub.fault = () => false;
  hub.asked.length = 0;
  folder = emptyFolder();
});
const name = `hf:${REPO}:Q4_0`;
const repoFolder = (): string => join(folder, "models--LiquidAI--LFM2-nano-GGUF");

describe("a model's name", () => {
  it("fetches the file that it means, once", async () => {
    expect(sha256(await fetched(name, accessTo(hub, folder)))).toBe(sha256(model));
    expect(hub.asked.filter(({ kind }) => kind === "file").length).toBe(4);
    expect(hub.asked.every(({ path }) => path === "" || path === "nano-Q4_0.gguf")).toBe(true);
    hub.asked.length = 0;
    expect(sha256(await fetched(name, accessTo(hub, folder)))).toBe(sha256(model));
    expect(hub.asked.map(({ kind }) => kind)).toEqual(["revision"]);
  });

  it("asks nothing of anybody offline, and for what is not kept says so", async () => {
    await fetched(name, accessTo(hub, folder));
    hub.asked.length = 0;
    expect(sha256(await fetched(name, accessTo(hub, folder, { offline: true })))).toBe(sha256(model));
    const others = [`hf:${REPO}:Q8_0`, `hf:${REPO}:Q4_0@v1`, "hf:LiquidAI/Else:Q4_0"];
    for (const absent of others) {
      await expect(fetched(absent, accessTo(hub, folder, { offline: true }))).rejects.toThrow(
        /expected it in the cache .*, found none there\. Open it once without --offline/,
      );
    }
    expect(hub.asked).toEqual([]);
  });

  it("opens what is kept where the hub cannot be reached, and only then", async () => {
    await fetched(name, accessTo(hub, folder));
    hub.fault = ({ server }, response) => server === "hub" && response.writeHead(503).end() !== undefined;
    expect(sha256(await fetched(name, accessTo(hub, folder)))).toBe(sha256(model));
    hub.fault = (_, response) => response.writeHead(404, { "X-Error-Code": "RevisionNotFound" }).end() !== undefined;
    await expect(fetched(name, accessTo(hub, folder))).rejects.toThrow(/found none of this name/);
  });

  it("asks nothing for a commit that is kept", async () => {
    await fetched(`${name}@${COMMIT}`, accessTo(hub, folder));
    hub.asked.length = 0;
    expect(sha256(await fetched(`${name}@${COMMIT}`, accessTo(hub, folder)))).toBe(sha256(model));
    expect(hub.asked).toEqual([]);
  });

  it("reads weights by ranges, and keeps none of them, for those who read little", async () => {
    const { folder: place, file } = await locateHub(
      { repo: REPO, revision: "main", quant: "Q4_0" },
      accessTo(hub, folder, { reads: "ranges" }),
    );
    const source = await place.open(file as string);
    expect(Buffer.from((await source?.read(1000, 50)) as Uint8Array)).toEqual(model.subarray(1000, 1050));
    await source?.close();
    expect(existsSync(join(repoFolder(), "blobs"))).toBe(false);
    // Settings are read whole, and kept.
    await (await place.open("config.json"))?.close();
    expect(readdirSync(join(repoFolder(), "blobs"))).toEqual([gitHash(config)]);
  });

  it("reads everything by ranges where nothing can be kept", async () => {
    expect(sha256(await fetched(name, accessTo(hub, folder, { cache: noCache })))).toBe(sha256(model));
    expect(sha256(await fetched(`hf:${REPO}/config.json`, accessTo(hub, folder, { cache: noCache })))).toBe(
      sha256(config),
    );
    expect(existsSync(repoFolder())).toBe(false);
  });

  it("sends a token to the hub, and to nobody that it leads to", async () => {
    await fetched(name, accessTo(hub, folder, { token: TOKEN }));
    for (const { server, headers } of hub.asked) {
      expect(headers.authorization).toBe(server === "hub" ? `Bearer ${TOKEN}` : undefined);
    }
    expect(hub.asked.some(({ server }) => server === "store")).toBe(true);
  });

  it("asks the hub once for the address of a file, and the store for each part", async () => {
    await fetched(name, accessTo(hub, folder));
    expect(hub.asked.filter(({ kind }) => kind === "resolve").length).toBe(1);
  });

  it("tells how far it has come", async () => {
    const reports: { phase: string; done: number; total: number }[] = [];
    await fetched(name, accessTo(hub, folder, { onProgress: (report) => reports.push(report) }));
    const fetching = reports.filter(({ phase }) => phase === "fetch");
    expect(fetching.at(-1)).toEqual({ phase: "fetch", done: model.length, total: model.length });
    expect(fetching.every(({ done }, i) => i === 0 || done > fetching[i - 1].done)).toBe(true);
    expect(reports.at(-1)).toEqual({ phase: "check", done: model.length, total: model.length });
  });

  it("means all files of a split model, each fetched once", async () => {
    hub.files.clear();
    for (const [path, part] of Object.entries(splitFiles()))
      hub.files.set(path.replace("m-", "m-F16-"), Buffer.from(part));
    for (const isFirst of [true, false]) {
      hub.asked.length = 0;
      const { folder: place, file } = await locateHub(
        { repo: REPO, revision: "main", quant: "F16" },
        accessTo(hub, folder),
      );
      const { files, tensors } = await openCheckpoint(place, file);
      expect(files.map((part) => part.name.split("/").at(-1))).toEqual(
        names.map((path) => path.replace("m-", "m-F16-")),
      );
      expect(tensors.size).toBe(tinyTensors().length);
      await Promise.all(files.map((part) => part.close()));
      const asked = hub.asked.filter(({ kind }) => kind === "resolve").map(({ path }) => path);
      expect(asked).toEqual(isFirst ? [...hub.files.keys()] : []);
    }
  });

  it("reads all pages of the list of files, from the hub that was asked", async () => {
    hub.pageFiles = 1;
    try {
      expect(sha256(await fetched(`hf:${REPO}:Q8_0`, accessTo(hub, folder)))).toBe(sha256(other));
      expect(hub.asked.filter(({ kind }) => kind === "tree").length).toBe(3);
    } finally {
      hub.pageFiles = 1000;
    }
  });
});

describe("the cache", () => {
  it("is laid out as huggingface_hub's", async () => {
    await fetched(name, accessTo(hub, folder));
    await fetched(`hf:${REPO}/config.json`, accessTo(hub, folder));
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name: file }) => join(parentPath, file).slice(folder.length + 1));
    const own = "models--LiquidAI--LFM2-nano-GGUF";
    expect(entries.sort()).toEqual(
      [
        `${own}/blobs/${gitHash(config)}`,
        `${own}/blobs/${sha256(model)}`,
        `${own}/refs/main`,
        `${own}/snapshots/${COMMIT}/config.json`,
        `${own}/snapshots/${COMMIT}/nano-Q4_0.gguf`,
        `${own}/trees/${COMMIT}.json`,
      ].sort(),
    );
    expect(readFileSync(join(repoFolder(), "refs/main"), "utf8")).toBe(COMMIT);
    const link = join(repoFolder(), "snapshots", COMMIT, "nano-Q4_0.gguf");
    expect(readlinkSync(link)).toBe(`../../blobs/${sha256(model)}`);
    expect(
      JSON.parse(readFileSync(join(repoFolder(), "trees", `${COMMIT}.json`), "utf8")).files["config.json"],
    ).toEqual({
      size: config.length,
      blob_id: gitHash(config),
    });
  });

  it("gives what huggingface_hub has put there, through the links of its shared blobs", async () => {
    const shared = join(folder, "blobs", xetHash(model).slice(0, 2), xetHash(model));
    const blob = join(repoFolder(), "blobs", sha256(model));
    const pointer = join(repoFolder(), "snapshots", COMMIT, "nano-Q4_0.gguf");
    for (const path of [shared, blob, pointer]) mkdirSync(dirname(path), { recursive: true });
    writeFileSync(shared, model);
    symlinkSync(`../../blobs/${xetHash(model).slice(0, 2)}/${xetHash(model)}`, blob);
    symlinkSync(`../../blobs/${sha256(model)}`, pointer);
    mkdirSync(join(repoFolder(), "refs"));
    writeFileSync(join(repoFolder(), "refs/main"), `${COMMIT}\n`);
    expect(sha256(await fetched(name, accessTo(hub, folder, { offline: true })))).toBe(sha256(model));
    expect(sha256(await fetched(name, accessTo(hub, folder)))).toBe(sha256(model));
    expect(hub.asked.map(({ kind }) => kind)).toEqual(["revision", "tree"]);
    expect(lstatSync(blob).isSymbolicLink()).toBe(true);
  });

  it("gives a blob under its other names without fetching it", async () => {
    await fetched(name, accessTo(hub, folder));
    hub.files.set("again-F16.gguf", model);
    rmSync(join(repoFolder(), "trees"), { recursive: true });
    hub.asked.length = 0;
    expect(sha256(await fetched(`hf:${REPO}:F16`, accessTo(hub, folder)))).toBe(sha256(model));
    expect(hub.asked.map(({ kind }) => kind)).toEqual(["revision", "tree"]);
  });

  it("does not take a file of another size for the right one", async () => {
    await fetched(name, accessTo(hub, folder));
    writeFileSync(join(repoFolder(), "blobs", sha256(model)), model.subarray(0, 1000));
    expect(sha256(await fetched(name, accessTo(hub, folder)))).toBe(sha256(model));
  });

  it("keeps a download to one of two that want it at once", async () => {
    const waits: number[] = [];
    const onProgress = ({ phase, total }: { phase: string; total: number }): void => {
      if (phase === "wait") waits.push(total);
    };
    const both = await Promise.all([0, 1].map(() => fetched(name, accessTo(hub, folder, { onProgress }))));
    expect(both.map(sha256)).toEqual([sha256(model), sha256(model)]);
    expect(hub.sent()).toBeGreaterThanOrEqual(model.length);
    expect(hub.asked.filter(({ kind }) => kind === "file").length).toBe(4);
    expect(waits).toEqual([model.length]);
  });

  it("is not kept waiting by the lock of a process that is gone", async () => {
    const lock = join(folder, ".locks/models--LiquidAI--LFM2-nano-GGUF", `${sha256(model)}.lfm2-lock`);
    await leaveKilled(lock);
    expect(existsSync(lock)).toBe(true);
    expect(sha256(await fetched(name, accessTo(hub, folder)))).toBe(sha256(model));
    expect(existsSync(lock)).toBe(false);
  });
});
