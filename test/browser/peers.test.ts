// The pages of `npm run bench -- --peers`: this package as it is built, beside a stand-in for wllama, which is not installed here.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openBrowserPair } from "../../src/bench/peers/browser-peers.ts";

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** What theirs.html calls of wllama: every token takes 5 ms. */
const STAND_IN = `
  export const LoggerWithoutDebug = undefined;
  export class Wllama {
    async loadModelFromUrl(url, { n_threads }) {
      this.threads = n_threads;
      if (!(await fetch(url, { method: "HEAD" })).ok) throw new Error(url);
    }
    getNumThreads() { return this.threads; }
    async createCompletion({ max_tokens }) {
      return (async function* () {
        for (let i = 0; i < max_tokens; i++) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          yield {};
        }
      })();
    }
  }`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lfm2-peers-test-"));
  const esm = join(folder, "node_modules/@wllama/wllama/esm");
  mkdirSync(esm, { recursive: true });
  writeFileSync(join(esm, "index.js"), STAND_IN);
});
afterAll(() => rmSync(folder, { recursive: true }));

it("both engines run the same order in Chromium", async () => {
  const options = {
    threads: 2,
    mode: "int8",
    kernels: "baseline",
    contextLength: 128,
    sequences: 1,
    batch: 64,
  } as const;
  const places = { dist: file("dist"), folder, version: "0", signal: AbortSignal.timeout(60_000) };
  const { ours, theirs } = await openBrowserPair(file("golden/nano/lfm2-nano-Q4_0.gguf"), options, places);
  try {
    const order = { ids: [14, 48, 1654, 382], text: "Hello", newTokens: 8, sequences: 1 };
    for (const { round } of [ours, theirs]) {
      const { prefill, decode } = await round(order);
      expect(prefill).toBeGreaterThan(0);
      expect(decode).toBeGreaterThan(0);
    }
  } finally {
    await Promise.all([ours.close(), theirs.close()]);
  }
});
