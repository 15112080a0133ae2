// The built page in a folder of a host that sends no headers of its own, as GitHub Pages does.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Driver } from "../engine.ts";
import { chromium } from "../puppeteer-engines.ts";

const types: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
};

let root: string;
let server: Server;
let driver: Driver;
let port: number;
const page = () => `http://127.0.0.1:${port}/lfm2/`;

async function serve(at: number): Promise<void> {
  server = createServer(({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://127.0.0.1");
    const path = join(root, normalize(pathname.endsWith("/") ? `${pathname}index.html` : pathname));
    try {
      const content = readFileSync(path);
      response.writeHead(200, { "Content-Type": types[extname(path)] ?? "application/octet-stream" }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(at, "127.0.0.1", resolve));
  port = (server.address() as { port: number }).port;
}

async function cut(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** What the expression, or the promise that it gives, comes to. */
async function read<T>(expression: string): Promise<T> {
  return JSON.parse(await driver.evaluate(`Promise.resolve(${expression}).then((value) => JSON.stringify(value))`));
}

/** The page may open itself anew meanwhile, which ends what is evaluated in it. */
async function until(expression: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await read<boolean>(expression).catch(() => false)) return;
    await sleep(100);
  }
  throw new Error(`waited in vain for ${expression}`);
}

async function visit(hash = ""): Promise<void> {
  await driver.visit("about:blank"); // leaves the page, so that a later build can take over
  await driver.visit(`${page()}${hash}`);
}

const WHOLE = `crossOriginIsolated && navigator.serviceWorker.controller !== null
  && document.querySelector(".model-button.is-opening, .model-button.is-failed") === null
  && document.querySelector(".model-button")?.textContent.includes("lfm2-nano")`;
const DESCRIPTION = `document.querySelector("meta[name=description]").content`;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "lfm2-host-"));
  cpSync(fileURLToPath(new URL("../../../dist/web", import.meta.url)), join(root, "lfm2"), { recursive: true });
  await serve(0);
  driver = await chromium.launch(false);
});
afterAll(async () => {
  await driver?.close();
  await cut();
  rmSync(root, { recursive: true });
});

it("is isolated at the first visit, opens without the host, and shows a later build at the visit after", async () => {
  await driver.visit(page());
  await until(WHOLE);
  await visit("#/speed");
  await until(WHOLE);

  await cut();
  await visit("#/inside");
  await until(WHOLE);
  await until(`document.querySelector("[data-fact=chosen]") !== null`);
  await driver.visit("about:blank");

  const edit = (name: string, change: (text: string) => string) => {
    const path = join(root, "lfm2", name);
    writeFileSync(path, change(readFileSync(path, "utf8")));
  };
  edit("index.html", (text) => text.replace(/(name="description" content=")/, "$1A later build. "));
  edit("offline.js", (text) => text.replace(/build = "[^"]*"/, 'build = "later"'));
  await serve(port);
  await visit();
  expect(await read<string>(DESCRIPTION)).not.toContain("A later build.");
  await until("navigator.serviceWorker.getRegistration().then((found) => found?.waiting != null)");
  await driver.visit("about:blank");
  for (let tries = 0; tries < 10; tries++) {
    await visit();
    await until(WHOLE);
    if ((await read<string>(DESCRIPTION)).includes("A later build.")) break;
  }
  expect(await read<string>(DESCRIPTION)).toContain("A later build.");
  expect(await read<string[]>("caches.keys()")).toEqual(["lfm2-page-later"]);
});
