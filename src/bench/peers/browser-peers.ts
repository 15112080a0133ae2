// This package beside wllama, llama.cpp's WebAssembly build, each in a page of its own of one headless Chromium.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, launch, type Page } from "puppeteer-core";
import type { Order, Pair, Peer, PeerOptions, Speeds } from "./peer.ts";
import { type SiteContent, serveSite } from "./site.ts";

/** What a page's script leaves for us. */
interface PageWorld {
  openModel(url: string, options: PeerOptions): Promise<void>;
  round(order: Order): Promise<Speeds>;
}

export interface BrowserPlaces {
  /** The package, built for browsers. */
  readonly dist: string;
  /** In which @wllama/wllama is installed. */
  readonly folder: string;
  readonly version: string;
  readonly signal: AbortSignal;
}

/** @throws Error when Chromium is missing, or one of the engines cannot hold the file */
export async function openBrowserPair(path: string, options: PeerOptions, places: BrowserPlaces): Promise<Pair> {
  const { dist, folder, version, signal } = places;
  const content: SiteContent = {
    files: { "/model.gguf": path, "/ours": pagePath("../ours.html"), "/theirs": pagePath("../theirs.html") },
    folders: { dist, wllama: join(folder, "node_modules/@wllama/wllama/esm") },
  };
  const browser = await launchChromium();
  const site = await serveSite(content);
  const close = async (): Promise<void> => {
    await Promise.all([browser.close(), site.close()]);
  };
  try {
    const name = `Chromium ${(await browser.version()).replace(/^.*\//, "").replace(/\..*/, "")}`;
    const theirs = await openPage(browser, `${site.url}theirs`, `${site.url}model.gguf`, options, signal);
    const ours = await openPage(browser, `${site.url}ours`, `${site.url}model.gguf`, options, signal);
    return {
      ours: { name: `lfm2-wasm, ${name}`, ...ours, close },
      theirs: { name: `llama.cpp in WebAssembly, ${name} (wllama ${version})`, ...theirs, close: async () => {} },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function launchChromium(): Promise<Browser> {
  const stated = process.env.LFM2_CHROMIUM;
  const places = stated === undefined ? ["/usr/bin/chromium", "/usr/bin/google-chrome"] : [stated];
  const executablePath = places.find((place) => existsSync(place));
  if (executablePath === undefined) {
    throw new Error(
      `Chromium: expected a program at ${places.join(" or ")}, found none. Set LFM2_CHROMIUM to its path.`,
    );
  }
  return launch({
    executablePath,
    headless: true,
    protocolTimeout: 0, // a large file takes minutes to load
    handleSIGINT: false, // whoever runs the rounds closes it
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run"],
  });
}

async function openPage(
  browser: Browser,
  url: string,
  model: string,
  options: PeerOptions,
  signal: AbortSignal,
): Promise<Pick<Peer, "round">> {
  const page = await browser.newPage();
  await page.goto(url);
  await page.waitForFunction("globalThis.round !== undefined");
  await orAborted(call(page, "openModel", [model, options]), signal);
  return {
    async round(order) {
      await page.bringToFront(); // pages behind it may be slowed down
      return (await orAborted(call(page, "round", [order]), signal)) as Speeds;
    },
  };
}

/** Pages are read from the sources, where `npm run bench` runs. */
function pagePath(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

function call<K extends keyof PageWorld>(page: Page, name: K, args: Parameters<PageWorld[K]>): Promise<unknown> {
  return page.evaluate(`globalThis.${name}(...${JSON.stringify(args)})`);
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
