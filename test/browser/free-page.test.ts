// The model runs beside the page, never in its way. Each figure is the median of several, since the machine is shared.
import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { synthesize } from "../../src/synth/synthesize.ts";
import { type FakeHub, REPO, serveHub } from "../hub/fake-hub.ts";
import { written } from "../quantize/collect.ts";
import { small } from "../synth/small.ts";
import { inEveryEngine, type Library } from "./every-engine.ts";
import { READ_AHEAD } from "./site.ts";

/** Its vocabulary has the size of LFM2's, whose tokenizer takes some 300 ms to build; its layers are few and small. */
const FULL_VOCABULARY = { ...small, vocab_size: 65_536, hidden_size: 64, max_position_embeddings: 65_536 };
const FILE = "wide.gguf";

let hub: FakeHub;
beforeAll(async () => {
  const options = { type: "Q8_0", name: "wide" } as const;
  const file = await written((sink) => synthesize(FULL_VOCABULARY, sink, options));
  hub = await serveHub({ [FILE]: Buffer.from(file) });
});
afterAll(() => hub.close());

/** What the package promises for an abort; a page that misses a turn for longer feels stuck. */
const PROMISED_MS = 200;

/** The work of other threads than the page's. */
const ELSEWHERE = [
  "/dist/tokenizer/bpe.js",
  "/dist/tokenizer/tokenizer.js",
  "/dist/formats/open-checkpoint.js",
  "/dist/chat/template.js",
  "/dist/constrain/compile.js",
  "/dist/constrain/vocabulary.js",
  "/dist/wasm/backend.js",
  "/dist/load/load.js",
];

/** As long as the embedded model's context allows: seconds of work. */
const LONG_PROMPT = Array.from({ length: 4000 }, (_, i) => 100 + ((i * 37) % 1900));

/** Largest gap between two turns of a 10 ms timer while the model reads and writes, and how long that took. */
async function timerGaps(
  lfm2: Library,
  { ids, times }: { ids: readonly number[]; times: number },
): Promise<{ gapMs: number; busyMs: number }[]> {
  const model = await lfm2.open();
  const found: { gapMs: number; busyMs: number }[] = [];
  for (let i = 0; i < times; i++) {
    const begin = performance.now();
    let last = begin;
    let gapMs = 0;
    const turn = () => {
      gapMs = Math.max(gapMs, performance.now() - last);
      last = performance.now();
    };
    const timer = setInterval(turn, 10);
    // Another first id, so that nothing is kept from the time before.
    for await (const _ of model.generate([100 + i, ...ids], { maxTokens: 20 }));
    turn();
    clearInterval(timer);
    found.push({ gapMs, busyMs: performance.now() - begin });
  }
  await model.close();
  return found;
}

/** What a prefill that is given up on its way rejects with, and how long after abort(). */
async function abortedPrefills(
  lfm2: Library,
  { ids, times }: { ids: readonly number[]; times: number },
): Promise<{ error: string; delayMs: number }[]> {
  const model = await lfm2.open();
  const found: { error: string; delayMs: number }[] = [];
  for (let i = 0; i < times; i++) {
    const controller = new AbortController();
    let start = () => {};
    const started = new Promise<void>((resolve) => {
      start = resolve;
    });
    const answer = model.generate([100 + i, ...ids], { signal: controller.signal, onProgress: start });
    const error = answer.next().then(
      () => "none: it was too quick to be aborted",
      (error) => error.name,
    );
    await started;
    // At another moment of a step each time.
    await new Promise((resolve) => setTimeout(resolve, 20 + 30 * i));
    const abortedAt = performance.now();
    controller.abort();
    found.push({ error: await error, delayMs: performance.now() - abortedAt });
  }
  await model.close();
  return found;
}

/** The same for loading a model whose weights stop coming in the middle. */
async function abortedLoads(lfm2: Library, times: number): Promise<{ error: string; delayMs: number }[]> {
  const found: { error: string; delayMs: number }[] = [];
  for (let i = 0; i < times; i++) {
    const controller = new AbortController();
    const begun = fetch("/weights-begin");
    const error = lfm2.open(`${lfm2.embeddedModel}?stall`, { signal: controller.signal }).then(
      () => "none: it was opened",
      (error) => error.name,
    );
    await begun;
    await new Promise((resolve) => setTimeout(resolve, 100));
    const abortedAt = performance.now();
    controller.abort();
    found.push({ error: await error, delayMs: performance.now() - abortedAt });
  }
  return found;
}

/** What has been done in a model, and the scripts that the page itself has loaded for it. */
async function scriptsOfPage(lfm2: Library, url: string): Promise<{ tokens: number; said: string; scripts: string[] }> {
  const model = await lfm2.open(url, { threads: 1, cache: false });
  const ids = await (await model.tokenizer()).encode(
    "The quick brown fox, who has read 3 papers, isn't lazy. ".repeat(1100),
  );
  let said = "";
  const format = { responseFormat: { type: "regex", pattern: "yes|no" }, maxTokens: 9 } as const;
  for await (const { content } of model.chat([{ role: "user", content: "Is it so?" }], format)) said += content ?? "";
  await model.close();
  const scripts = performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname);
  return { tokens: ids.length, said, scripts };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

inEveryEngine({ isolated: true }, (page) => {
  // What a thread has no code for, it cannot do: unlike a time, that is the same on a busy machine.
  it("opens, encodes, renders, compiles and computes with 65,536 tokens by code that the page never loads", async () => {
    const url = `${hub.endpoint}/${REPO}/resolve/main/${FILE}`;
    const { tokens, said, scripts } = await page.run(scriptsOfPage, url);
    expect(tokens).toBeGreaterThan(20_000);
    expect(said).toMatch(/^(yes|no)$/);
    expect(scripts).toContain("/dist/index.browser.js");
    const elsewhere = ELSEWHERE.filter((path) => scripts.some((script) => script.startsWith(path)));
    expect(elsewhere).toEqual([]);
    // They are where they are looked for.
    for (const path of ELSEWHERE) expect(existsSync(new URL(`../..${path}`, import.meta.url)), path).toBe(true);
  });
});

for (const isolated of [false, true]) {
  inEveryEngine({ isolated }, (page) => {
    it("leaves the page its turns while it reads and writes", async ({ annotate }) => {
      const found = await page.run(timerGaps, { ids: LONG_PROMPT.slice(0, 3500), times: 3 });
      await annotate(JSON.stringify(found));
      expect(median(found.map(({ gapMs }) => gapMs))).toBeLessThan(PROMISED_MS);
      // Work in the page itself would show as one gap, as long as the work.
      expect(Math.min(...found.map(({ busyMs }) => busyMs))).toBeGreaterThan(2 * PROMISED_MS);
    });

    it("gives a long prefill up within 200 ms of abort()", async ({ annotate }) => {
      const found = await page.run(abortedPrefills, { ids: LONG_PROMPT, times: 7 });
      await annotate(JSON.stringify(found));
      expect(new Set(found.map(({ error }) => error))).toEqual(new Set(["AbortError"]));
      expect(median(found.map(({ delayMs }) => delayMs))).toBeLessThan(PROMISED_MS);
    });

    it("gives loading up within 200 ms of abort(), while the server stalls", async ({ annotate }) => {
      const found = await page.run(abortedLoads, 3);
      await annotate(JSON.stringify(found));
      expect(page.sent.filter(({ bytes }) => bytes > READ_AHEAD)).not.toHaveLength(0);
      expect(new Set(found.map(({ error }) => error))).toEqual(new Set(["AbortError"]));
      expect(median(found.map(({ delayMs }) => delayMs))).toBeLessThan(PROMISED_MS);
    });
  });
}
