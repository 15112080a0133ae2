// A trace whose caller takes nothing: others go on in its place, and it goes on afterwards.
import { createHash, type Hash } from "node:crypto";
import { afterEach, expect, it } from "vitest";
import type { LanguageModel, TraceOptions } from "../../src/index.ts";
import { closeAll, openNano } from "./opened.ts";

afterEach(closeAll);

const messages = [{ role: "user", content: "Hello!" }] as const;
/** 200 kB each, of which 64 MB are on their way. */
const ids = Array.from({ length: 500 }, (_, i) => 16 + ((i * 37) % 1900));

/** Of every tensor: how a run is cut into pieces is a matter of time. */
async function hashesOf(
  model: LanguageModel,
  options: TraceOptions,
  between: () => Promise<void>,
): Promise<Record<string, string>> {
  const hashes = new Map<string, Hash>();
  let pieces = 0;
  for await (const { name, data } of model.trace(ids, options)) {
    const hash = hashes.get(name) ?? createHash("sha256");
    hashes.set(name, hash.update(data));
    if (pieces++ % 400 === 0) await between();
  }
  return Object.fromEntries([...hashes].map(([name, hash]) => [name, hash.digest("hex")]));
}

it.each([{ parallel: 1 }, { parallel: 4 }])(
  "does not wait for itself where its caller asks the same model, %o",
  async (options) => {
    // Of keys and values there is room for one context.
    const model = await openNano(undefined, { contextLength: ids.length + 1, ...options });
    const answer = async (): Promise<string> => {
      let text = "";
      for await (const { content = "" } of model.chat(messages, { temperature: 0, maxTokens: 12 })) text += content;
      return text;
    };
    const wanted = await answer();
    for (const edits of [[], ["k:1"]]) {
      const alone = await hashesOf(model, { edits }, async () => {});
      let asked = 0;
      const between = async (): Promise<void> => {
        asked++;
        expect(await answer()).toBe(wanted);
        expect((await model.logits(ids.slice(0, 40))).rows).toBe(40);
      };
      expect(await hashesOf(model, { edits }, between)).toEqual(alone);
      expect(asked).toBeGreaterThan(3);
    }
  },
);

it("is left while its place is another's, and everything is free then", async () => {
  const model = await openNano(undefined, { contextLength: ids.length + 1, parallel: 1 });
  const leaving = new AbortController();
  const left = (async () => {
    for await (const _ of model.trace(ids, { signal: leaving.signal })) {
      for await (const _ of model.chat(messages, { maxTokens: 4 }));
      leaving.abort(new Error("left"));
    }
  })();
  await expect(left).rejects.toThrow("left");
  expect((await model.logits([1, 2, 3])).rows).toBe(3);
  expect(model.activity()).toMatchObject({ running: 0, waiting: 0, usedPositions: 0 });
});
