import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { inEveryEngine, type PageLibrary } from "./every-engine.ts";
import { newIds } from "./tasks.ts";
import { webkitAsItComes } from "./webkit-engine.ts";

// A greeting, made with transformers; see golden/nano/README.md.
const [golden] = JSON.parse(readFileSync(new URL("../../golden/nano/golden.json", import.meta.url), "utf8"));
const { ids, greedy_ids: greedyIds }: { ids: number[]; greedy_ids: number[] } = golden;

/** What the page says it has, beside the settings of a model that was opened. */
async function saidAndUsed(lfm2: PageLibrary) {
  const { simd, relaxedSimd, threads, uses } = await lfm2.capabilities();
  const model = await lfm2.open();
  const { kernels, threads: count } = model.settings;
  await model.close();
  const why = threads.available ? "" : threads.unavailable;
  const has = { simd: simd.available, relaxedSimd: relaxedSimd.available, threads: threads.available };
  return { said: { ...uses }, used: { kernels, threads: count }, has, why };
}

for (const isolated of [false, true]) {
  inEveryEngine({ isolated }, (page) => {
    it("says what a model uses, and the headers for more threads where the page comes without them", async () => {
      const { said, used, has, why } = await page.run(saidAndUsed, null);
      expect(said).toEqual(used);
      expect(has).toEqual({ simd: true, relaxedSimd: used.kernels !== "baseline", threads: isolated });
      expect(why.includes("Cross-Origin-Embedder-Policy: require-corp")).toBe(!isolated);
    });
  });
}

inEveryEngine({ isolated: true, engines: [webkitAsItComes] }, (page) => {
  it("runs on one thread, with the same ids, where a page is called isolated and has no SharedArrayBuffer", async () => {
    const found = await page.run(async (lfm2) => {
      const model = await lfm2.open();
      const { threads } = model.settings;
      await model.close();
      return [crossOriginIsolated, typeof SharedArrayBuffer, threads];
    }, null);
    expect(found).toEqual([true, "undefined", 1]);
    const { said, used, why } = await page.run(saidAndUsed, null);
    expect(said).toEqual(used);
    expect(why).toContain("JSC_useSharedArrayBuffer=1");
    expect(await page.run(newIds, { ids, options: { maxTokens: 16 } })).toEqual(greedyIds.slice(0, 16));
  });
});
