// What a page fetches from servers is kept in the browser's file system for sites, or in its database: Firefox's private
// windows have no such file system. WebKitGTK keeps nothing under a driver (webkit.test.ts has it without one),
// and the same calls open the same models there, again and again.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import * as lfm2InNode from "../../../src/index.ts";
import { type FakeHub, REPO, sendRange, serveHub } from "../../hub/fake-hub.ts";
import { inEveryEngine, type Library, type Page, type PageLibrary } from "../every-engine.ts";
import { chromium, firefox, privateFirefox } from "../puppeteer-engines.ts";
import { READ_AHEAD } from "../site.ts";
import { webkit } from "../webkit-engine.ts";

const NANO = new URL("../../../golden/nano/", import.meta.url);
const FILE = "lfm2-nano-Q4_0.gguf";
const content = readFileSync(new URL(FILE, NANO));
const [{ ids }] = JSON.parse(readFileSync(new URL("golden.json", NANO), "utf8"));
const NOT_KEPT = /^This browser keeps no files for this page/;

let hub: FakeHub;
let expected: number[];
beforeAll(async () => {
  hub = await serveHub({ [FILE]: content, "README.md": Buffer.from("# A model") });
  const model = await lfm2InNode.open();
  expected = [];
  for await (const id of model.generate(ids, { maxTokens: 8 })) expected.push(id);
  await model.close();
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.fault = () => false;
});

type Asked = {
  readonly source: string;
  readonly ids: readonly number[];
  readonly options?: { readonly [key: string]: string | number | boolean };
  readonly times?: number;
};

type Opened = {
  readonly ids: number[];
  readonly warnings: string[];
  readonly phases: string[];
};

/** What a model says that is opened, several times at once perhaps. */
async function opened(lfm2: Library, { source, ids, options, times = 1 }: Asked): Promise<Opened[]> {
  const one = async (): Promise<Opened> => {
    const phases = new Set<string>();
    const model = await lfm2.open(source, {
      ...options,
      onProgress: ({ phase, secondsLeft }) => void phases.add(secondsLeft === undefined ? phase : `${phase} timed`),
    });
    const found: number[] = [];
    for await (const id of model.generate(ids, { maxTokens: 8 })) found.push(id);
    const warnings = [...model.warnings];
    await model.close();
    return { ids: found, warnings, phases: [...phases] };
  };
  return Promise.all(Array.from({ length: times }, one)) as never;
}

const refusal = async (lfm2: Library, { source, options }: Asked): Promise<string> =>
  lfm2.open(source, options).then(
    () => "opened",
    (error) => `${error.name}: ${error.message}`,
  );

const cached = (lfm2: PageLibrary) =>
  lfm2.listCached() as never as Promise<{ name: string; bytes: number; isWhole: boolean }[]>;
const removed = (lfm2: PageLibrary, name: string) => lfm2.removeCached(name === "" ? undefined : name);

/** Whether this engine has a place for files, or for Blobs in its database, is what it says itself. */
async function keeps(page: Page): Promise<boolean> {
  return page.run(async () => {
    const inDatabase = () =>
      new Promise<boolean>((resolve, reject) => {
        const request = indexedDB.open("probe");
        request.onupgradeneeded = () => request.result.createObjectStore("probe");
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          const put = request.result
            .transaction("probe", "readwrite")
            .objectStore("probe")
            .put(new Blob(["x"]), 1);
          put.onsuccess = () => resolve(true);
          put.onerror = () => resolve(false);
        };
      });
    return Promise.resolve()
      .then(() => navigator.storage.getDirectory())
      .then(() => true, inDatabase);
  }, null);
}

/** Sent of the model since so many answers. */
const weightBytes = (page: Page, from: number = 0): number =>
  page.sent
    .slice(from)
    .filter(({ path }) => path.includes(FILE))
    .reduce((sum, { bytes }) => sum + bytes, 0);

inEveryEngine({ isolated: false, engines: [chromium, firefox, privateFirefox, webkit] }, (page) => {
  const name = `hf:${REPO}/${FILE}`;

  it("fetches a model of the hub once, checks it, and lists and deletes it", async () => {
    await page.run(removed, "");
    const asked = { source: `hf:${REPO}:Q4_0`, ids, options: { hubEndpoint: hub.endpoint } };
    const isKept = await keeps(page);
    const [first] = await page.run(opened, asked);
    expect(first.ids).toEqual(expected);
    const before = hub.sent();
    // A page would ask leave for headers of its own, which stores refuse.
    expect(hub.asked.filter(({ kind }) => kind === "preflight")).toEqual([]);
    await page.reload();
    const [second] = await page.run(opened, asked);
    expect(second.ids).toEqual(expected);
    if (!isKept) {
      expect(second.warnings).toEqual([expect.stringMatching(NOT_KEPT)]);
      expect(await page.run(cached, null)).toEqual([]);
      return;
    }
    expect(hub.sent()).toBe(before);
    expect([first.warnings, second.warnings]).toEqual([[], []]);
    expect(first.phases.map((phase) => phase.split(" ")[0])).toEqual(
      expect.arrayContaining(["fetch", "check", "load"]),
    );
    expect(second.phases).toEqual(["load"]);
    expect(await page.run(cached, null)).toEqual([{ name, bytes: content.length, isWhole: true }]);
    // Nobody is asked.
    const asks = hub.asked.length;
    const [third] = await page.run(opened, { ...asked, options: { ...asked.options, offline: true } });
    expect(third.ids).toEqual(expected);
    expect(hub.asked.length).toBe(asks);
    expect(await page.run(removed, `hf:${REPO}`)).toEqual([name]);
    expect(await page.run(cached, null)).toEqual([]);
  });

  it("opens no model of the hub that comes damaged, and keeps nothing of it", async () => {
    if (!(await keeps(page))) return;
    await page.run(removed, "");
    const wrong = Buffer.from(content);
    wrong[wrong.length - 10] ^= 1;
    hub.fault = ({ kind, range }, response) => {
      if (kind === "file") sendRange(response, wrong, range ?? [0, wrong.length]);
      return kind === "file";
    };
    const asked = { source: name, ids, options: { hubEndpoint: hub.endpoint } };
    expect(await page.run(refusal, asked)).toMatch(
      /^SourceError: hf:.*: expected hash [0-9a-f]{12}…, found hash [0-9a-f]{12}…\. It came damaged twice/,
    );
    expect(await page.run(cached, null)).toEqual([]);
  });

  it("says of an error that a page may not read what it may be", async () => {
    await page.run(removed, "");
    hub.fault = ({ kind }, response) => {
      if (kind !== "resolve") return false;
      response.removeHeader("Access-Control-Allow-Origin");
      response.writeHead(429).end();
      return true;
    };
    expect(await page.run(refusal, { source: name, ids, options: { hubEndpoint: hub.endpoint } })).toMatch(
      /expected an answer, found none in each of 4 tries\. Check the address and the network\. .* \(CORS\), and may not do so for an error/,
    );
  });

  it("fetches a URL once, and asks then for its version alone", async () => {
    await page.run(removed, "");
    const isKept = await keeps(page);
    const asked = { source: `golden/nano/${FILE}?once`, ids };
    await page.run(opened, asked);
    expect(weightBytes(page)).toBeLessThan(content.length + READ_AHEAD + 100);
    const from = page.sent.length;
    const [{ ids: found, warnings }] = await page.run(opened, asked);
    expect(found).toEqual(expected);
    if (isKept) {
      expect(warnings).toEqual([]);
      expect(weightBytes(page, from)).toBe(2);
      expect(await page.run(cached, null)).toEqual([
        { name: `${page.url}golden/nano/${FILE}`, bytes: content.length, isWhole: true },
      ]);
    } else expect(warnings).toEqual([expect.stringMatching(NOT_KEPT)]);
  });

  it("keeps nothing of a URL with { cache: false }", async () => {
    await page.run(removed, "");
    const asked = { source: `golden/nano/${FILE}?not`, ids, options: { cache: false } };
    const [{ ids: found, warnings }] = await page.run(opened, asked);
    expect([found, warnings]).toEqual([expected, []]);
    expect(await page.run(cached, null)).toEqual([]);
  });

  it("goes on, after a tab was closed, where its download was", async () => {
    if (!(await keeps(page))) return;
    await page.run(removed, "");
    const source = `golden/nano/${FILE}?stall-once`;
    await page.run(async (lfm2, source) => {
      lfm2.open(source).catch(() => {});
      // Until what has come is noted.
      for (let tries = 0; tries < 100; tries++) {
        const [part] = await lfm2.listCached();
        if (part?.bytes > 1e6) return part.isWhole;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error("nothing is kept");
    }, source);
    await page.reload();
    const from = page.sent.length;
    const [{ ids: found }] = await page.run(opened, { source, ids });
    expect(found).toEqual(expected);
    expect(weightBytes(page, from)).toBeLessThan(content.length * 0.6);
  });

  it("shares one download between two that open the same", async () => {
    await page.run(removed, "");
    const isKept = await keeps(page);
    const found = await page.run(opened, { source: `golden/nano/${FILE}?two`, ids, times: 2 });
    expect(found.map((one) => one.ids)).toEqual([expected, expected]);
    if (isKept) expect(weightBytes(page)).toBe(content.length + 4);
  });
});
