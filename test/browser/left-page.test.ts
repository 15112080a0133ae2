// A page that is left gives its models' memory back, and uses them again when it is shown again, as browsers keep a page
// for the way back.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { inEveryEngine, type Library } from "./every-engine.ts";
import { chromiumThatKeepsPages, firefox } from "./puppeteer-engines.ts";
import { webkit } from "./webkit-engine.ts";

const [golden] = JSON.parse(readFileSync(new URL("../../golden/nano/golden.json", import.meta.url), "utf8"));
const { ids, greedy_ids: greedyIds }: { ids: number[]; greedy_ids: number[] } = golden;

/** What becomes of an answer that the page is left in, and of the next ones. */
async function leftAndShown(
  lfm2: Library,
  ids: readonly number[],
): Promise<{ left: string; after: number[]; chat: boolean }> {
  const model = await lfm2.open();
  const { encode } = await model.tokenizer();
  const text = await encode("Hello!");
  const answer = model.generate(ids, { maxTokens: 2000, stopIds: [] });
  await answer.next();
  // What browsers call when they keep the page.
  dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
  const left = await (async () => {
    for await (const _ of answer);
    return "an end";
  })().catch((error: Error) => `${error.name}: ${error.message}`);
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  const after: number[] = [];
  for await (const id of model.generate(ids, { maxTokens: 8 })) after.push(id);
  const same = (await encode("Hello!")).join() === text.join();
  let said = "";
  const format = { responseFormat: { type: "regex", pattern: "yes|no" }, maxTokens: 9 } as const;
  for await (const piece of model.complete("Is it so?", format)) said += piece;
  await model.close();
  return { left, after, chat: same && /^(yes|no)$/.test(said) };
}

for (const isolated of [false, true]) {
  inEveryEngine({ isolated }, (page) => {
    it("ends what a model was doing when the page is left, and loads it again when it is next used", async () => {
      const { left, after, chat } = await page.run(leftAndShown, ids);
      expect(left).toBe(
        "WorkerError: The page was left, which ends what its models were doing. " +
          "Ask again: a model that was open is loaded again.",
      );
      expect(after).toEqual(greedyIds.slice(0, 8));
      expect(chat).toBe(true);
      const fetched = page.sent.filter(({ path }) => path.endsWith(".gguf"));
      expect(fetched.length).toBeGreaterThan(3);
    });
  });
}

type Left = typeof globalThis & { left?: { model: Awaited<ReturnType<Library["open"]>>; shown: boolean[] } };

for (const isolated of [false, true]) {
  inEveryEngine({ isolated, engines: [chromiumThatKeepsPages, firefox, webkit] }, (page) => {
    it("is shown again as it was on the way back, with a model that computes what it did", async () => {
      await page.reload("?keep");
      await page.run(async (lfm2) => {
        const shown: boolean[] = [];
        (globalThis as Left).left = { model: await lfm2.open(), shown };
        addEventListener("pageshow", ({ persisted }) => shown.push(persisted));
        return null;
      }, null);
      await page.leaveAndReturn();
      const found = await page.run(async (_, ids) => {
        const { left } = globalThis as Left;
        if (left === undefined) return "a new page";
        const after: number[] = [];
        for await (const id of left.model.generate(ids, { maxTokens: 8 })) after.push(id);
        await left.model.close();
        return { after, shown: left.shown };
      }, ids);
      expect(found).toEqual({ after: greedyIds.slice(0, 8), shown: [true] });
    });
  });
}
