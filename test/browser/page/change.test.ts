// Edits of the page: what comes of them is what the command line computes, to the bit.
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LanguageModel, open } from "../../../src/index.ts";
import { onBuiltPage } from "./built-page.ts";

const PROMPT = "Hello! Who are you?";
const EDITS = ["softmax", "k:2@5"];

let model: LanguageModel;
let ids: number[];
let answerFrom: number;
beforeAll(async () => {
  model = await open(undefined, { mode: "exact", contextLength: 256 });
  ids = await model.encodeChat([{ role: "user", content: PROMPT }]);
  answerFrom = ids.length;
  for await (const id of model.generate([...ids], { maxTokens: 64 })) ids.push(id);
});
afterAll(() => model.close());

/** In float64, of the bits that Node computes. */
async function meanDivergence(): Promise<number> {
  const [plain, edited] = [await model.logits(ids), await model.logits(ids, { edits: EDITS })];
  const { cols } = plain;
  const each = ids.map((_, t) => {
    const [p, q] = [plain, edited].map(({ data }) => {
      const row = [...data.subarray(t * cols, (t + 1) * cols)];
      const most = Math.max(...row);
      const total = most + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
      return row.map((logit) => logit - total);
    });
    return p.reduce((sum, logp, i) => sum + Math.exp(logp) * (logp - q[i]), 0);
  });
  return each.reduce((sum, value) => sum + value, 0) / each.length;
}

onBuiltPage((page) => {
  it("shows what an address edits, beside the true run, as Node computes it", async () => {
    await page.visit(`#/change?prompt=${encodeURIComponent(PROMPT)}&edit=${EDITS.join("+")}`);
    const found = await page.run(async (hands) => {
      const kl = (await hands.find("[data-fact=kl]")).title;
      const text = (fact: string) => document.querySelector(`[data-fact="${fact}"]`)?.textContent ?? "";
      const [first, truth, edited] = ["first-point", "true-text", "edited-text"].map(text);
      return { kl: Number(kl), first, truth, edited };
    }, null);
    const mean = await meanDivergence();
    expect(Math.abs(found.kl - mean) / mean).toBeLessThan(1e-6);
    expect(found.first).toBe("model.layers.2.feed_forward.gate.scores");
    const tokenizer = await model.tokenizer();
    expect(found.truth.trim()).toBe(tokenizer.decode(ids.slice(answerFrom)).trim());
    const own: number[] = [];
    for await (const id of model.generate(ids.slice(0, answerFrom), { edits: EDITS, maxTokens: 64 })) own.push(id);
    expect(found.edited.trim()).toBe(tokenizer.decode(own).trim());
    await page.axe();
  });

  it("adds an edit and takes it back, and says what is wrong with one", async () => {
    await page.visit("#/change?prompt=Hello!");
    const found = await page.run(async (hands) => {
      await hands.click(".row button", "two experts");
      await hands.find("[data-fact=kl]");
      const added = location.hash;
      await hands.click(".edits button");
      const taken = location.hash;
      await hands.fill(".edit-form input", "99");
      await hands.click(".edit-form button", "Change it");
      return { added, taken, problem: (await hands.find(".problem")).textContent ?? "" };
    }, null);
    expect(found.added).toContain("edit=k:2");
    expect(found.taken).not.toContain("edit=");
    expect(found.problem).toContain("expected experts from 0 to 31");
  });
});
