import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { inEveryEngine } from "./every-engine.ts";
import { newIds } from "./tasks.ts";
import { webkitAsItComes } from "./webkit-engine.ts";

// A greeting, made with transformers; see golden/nano/README.md.
const [golden] = JSON.parse(readFileSync(new URL("../../golden/nano/golden.json", import.meta.url), "utf8"));
const { ids, greedy_ids: greedyIds }: { ids: number[]; greedy_ids: number[] } = golden;

inEveryEngine({ isolated: true, engines: [webkitAsItComes] }, (page) => {
  it("runs on one thread, with the same ids, where a page is called isolated and has no SharedArrayBuffer", async () => {
    const found = await page.run(async (lfm2) => {
      const model = await lfm2.open();
      const { threads } = model.settings;
      await model.close();
      return [crossOriginIsolated, typeof SharedArrayBuffer, threads];
    }, null);
    expect(found).toEqual([true, "undefined", 1]);
    expect(await page.run(newIds, { ids, options: { maxTokens: 16 } })).toEqual(greedyIds.slice(0, 16));
  });
});
