// WebKitGTK has no file system for sites: what a page fetches is kept in its database, from one start of the browser to the next.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as lfm2InNode from "../../../src/index.ts";
import { type FakeHub, REPO, serveHub } from "../../hub/fake-hub.ts";
import type { PageLibrary } from "../every-engine.ts";
import { answer } from "../site.ts";
import { showInWebkit } from "../webkit-engine.ts";

const NANO = new URL("../../../golden/nano/", import.meta.url);
const FILE = "lfm2-nano-Q4_0.gguf";
const content = readFileSync(new URL(FILE, NANO));
const [{ ids }] = JSON.parse(readFileSync(new URL("golden.json", NANO), "utf8"));
/** It says what became of its task. */
const PAGE = `<!doctype html><link rel="icon" href="data:,"><script type="module">
  const said = async () => (await import("/task.js")).default(await import("/dist/index.browser.js"));
  const text = await said().then((value) => JSON.stringify({ value }), (error) => JSON.stringify({ error: String(error) }));
  await fetch("/said", { method: "POST", body: text });
</script>`;

let hub: FakeHub;
let expected: number[];
let server: Server;
let url: string;
let home: string;
let task = "";
let hears: (text: string) => void = () => {};
let weightBytes = 0;
beforeAll(async () => {
  hub = await serveHub({ [FILE]: content });
  const model = await lfm2InNode.open();
  expected = [];
  for await (const id of model.generate(ids, { maxTokens: 8 })) expected.push(id);
  await model.close();
  home = mkdtempSync(join(tmpdir(), "lfm2-webkit-"));
  server = createServer((request, response) => {
    answered(request, response).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  url = `http://localhost:${(server.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  await hub.close();
  server.closeAllConnections();
  server.close();
  rmSync(home, { recursive: true, force: true });
});

async function answered(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === "/") return void response.setHeader("Content-Type", "text/html").end(PAGE);
  if (request.url === "/task.js") {
    return void response.setHeader("Content-Type", "text/javascript").setHeader("Cache-Control", "no-store").end(task);
  }
  if (request.url === "/said") {
    let text = "";
    for await (const piece of request) text += piece;
    response.end();
    return hears(text);
  }
  const bytes = await answer(request, response);
  if (request.url?.includes(FILE)) weightBytes += bytes;
}

/** Starts the browser, and ends it once the page has done its task. */
async function inPage<A, R>(work: (lfm2: PageLibrary, argument: A) => Promise<R>, argument: A): Promise<R> {
  task = `export default (lfm2) => (${work})(lfm2, ${JSON.stringify(argument)});`;
  weightBytes = 0;
  const heard = new Promise<string>((resolve) => {
    hears = resolve;
  });
  const browser = await showInWebkit(url, home);
  try {
    const outcome: { value: R } | { error: string } = JSON.parse(await heard);
    if ("error" in outcome) throw new Error(outcome.error);
    return outcome.value;
  } finally {
    await browser.close();
  }
}

interface Asked {
  readonly source: string;
  readonly ids: readonly number[];
  readonly options?: { readonly hubEndpoint?: string; readonly offline?: boolean };
}

async function opened(lfm2: PageLibrary, { source, ids, options }: Asked) {
  const phases = new Set<string>();
  const model = await lfm2.open(source, { ...options, onProgress: ({ phase }) => void phases.add(phase) });
  const found: number[] = [];
  for await (const id of model.generate(ids, { maxTokens: 8 })) found.push(id);
  const warnings = [...model.warnings];
  await model.close();
  const { storage } = await lfm2.capabilities();
  return { ids: found, warnings, phases: [...phases], cached: await lfm2.listCached(), storage };
}

describe("WebKitGTK with a profile", () => {
  it("fetches a model of the hub once, and opens it in another process without asking for it", async () => {
    const asked = { source: `hf:${REPO}:Q4_0`, ids, options: { hubEndpoint: hub.endpoint } };
    const whole = [{ name: `hf:${REPO}/${FILE}`, bytes: content.length, isWhole: true }];
    const first = await inPage(opened, asked);
    expect(first).toMatchObject({ ids: expected, warnings: [], cached: whole, storage: { available: true } });
    expect(first.phases).toEqual(expect.arrayContaining(["fetch", "check", "load"]));
    const [sent, asks] = [hub.sent(), hub.asked.length];
    expect(sent).toBe(content.length);
    const second = await inPage(opened, asked);
    expect(second).toMatchObject({ ids: expected, warnings: [], phases: ["load"], cached: whole });
    expect([hub.sent(), hub.asked.slice(asks).map(({ kind }) => kind)]).toEqual([sent, ["revision"]]);
    const offline = await inPage(opened, { ...asked, options: { ...asked.options, offline: true } });
    expect([offline.ids, hub.asked.length]).toEqual([expected, asks + 1]);
    const removed = async (lfm2: PageLibrary, name: string) => [await lfm2.removeCached(name), await lfm2.listCached()];
    expect(await inPage(removed, `hf:${REPO}`)).toEqual([[`hf:${REPO}/${FILE}`], []]);
  });

  it("goes on, after the browser was closed, where its download was", async () => {
    const source = `golden/nano/${FILE}?stall-once=database`;
    const part = await inPage(async (lfm2, address) => {
      lfm2.open(address).catch(() => {});
      for (;;) {
        const [kept] = await lfm2.listCached();
        if (kept?.bytes > 1e6) return kept;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }, source);
    expect(part.isWhole).toBe(false);
    const { ids: found, cached } = await inPage(opened, { source, ids });
    expect(found).toEqual(expected);
    expect(weightBytes).toBeLessThan(content.length * 0.6);
    expect(cached).toEqual([{ name: `${url}golden/nano/${FILE}`, bytes: content.length, isWhole: true }]);
    // Then two bytes, to learn whether it has changed.
    expect((await inPage(opened, { source, ids })).ids).toEqual(expected);
    expect(weightBytes).toBe(2);
  });
});
