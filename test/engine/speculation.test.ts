// Ids that are run before they are known: the answer, its logits and what is remembered are those of plain decoding.
import { describe, expect, it } from "vitest";
import type { GuessCounts } from "../../src/engine/ahead.ts";
import type { GenerateOptions } from "../../src/engine/answer.ts";
import { createScheduler } from "../../src/engine/scheduler.ts";
import { schedulerParts } from "../../src/load/load.ts";
import { load, open } from "../model/run.ts";
import { differenceOf, freeRows, openPair } from "./speculation.ts";

const HELLO = [1, 6, 330, 214, 55, 746, 94, 16, 7, 214, 6, 335, 214];
const options = { sampling: { temperature: 0 }, maxTokens: 20, stopIds: [] };

async function counted() {
  const { model, ...rest } = schedulerParts(
    await load(await open("nano", "lfm2-nano-Q4_0.gguf"), { contextLength: 256 }),
  );
  const steps: number[] = [];
  const ops: typeof model.ops = Object.create(model.ops);
  ops.embed = (ids, w) => {
    steps.push(ids.length);
    return model.ops.embed(ids, w);
  };
  const create = () => createScheduler({ ...rest, model: { ...model, ops }, costs: freeRows, pause: async () => {} });
  return { create, steps };
}

describe("speculation", () => {
  it("gives the ids and the bits of plain decoding, and leaves what plain decoding leaves", async () => {
    const pair = await openPair();
    let [guessed, accepted] = [0, 0];
    for (let number = 0; number < 12; number++) {
      const found = await differenceOf(pair, 7, number, (counts) => {
        guessed += counts.guessed;
        accepted += counts.accepted;
      });
      expect([number, found]).toEqual([number, undefined]);
    }
    expect(accepted).toBeGreaterThan(100);
    expect(guessed - accepted).toBeGreaterThan(100);
  });

  it("takes fewer steps when guesses come true, and none more when they do not", async () => {
    const { create, steps } = await counted();
    const run = async (propose?: (ids: readonly number[]) => readonly number[]) => {
      const ids: number[] = [];
      let counts: GuessCounts | undefined;
      steps.length = 0;
      await create().answer({
        ids: HELLO,
        options: { ...options, propose },
        signal: new AbortController().signal,
        onId(id, _, __, found) {
          ids.push(id);
          counts = found;
        },
      });
      return { ids, steps: [...steps], counts };
    };
    const plain = await run();
    expect(plain.steps).toEqual([13, ...Array(19).fill(1)]);
    const all = [...HELLO, ...plain.ids];
    const right = await run((ids) => all.slice(ids.length, ids.length + 3));
    expect(right).toEqual({ ids: plain.ids, steps: [13, 4, 4, 4, 4, 3], counts: { guessed: 14, accepted: 14 } });
    const wrong = await run(() => [2047]);
    expect(wrong.ids).toEqual(plain.ids);
    expect(wrong.steps.length).toBe(20);
    expect(wrong.counts?.accepted).toBe(0);
    expect(wrong.counts?.guessed).toBeGreaterThan(0);
    expect(await run(() => [])).toEqual({ ...plain, counts: { guessed: 0, accepted: 0 } });
  });

  it("runs no id behind a stop id, nor one that nothing would follow", async () => {
    const { create, steps } = await counted();
    const ids: number[] = [];
    const ask = (maxTokens: number, stopIds: number[], propose?: () => number[]) => {
      steps.length = 0;
      ids.length = 0;
      const own = { ...options, maxTokens, stopIds, propose };
      const signal = new AbortController().signal;
      return create().answer({ ids: HELLO, options: own, signal, onId: (id) => void ids.push(id) });
    };
    await ask(20, []);
    const [first, second, third] = ids;
    await ask(2, [], () => [second, third]);
    expect(steps).toEqual([13, 1]);
    await ask(20, [second], () => [second, third]);
    expect([ids, steps]).toEqual([
      [first, second],
      [13, 1],
    ]);
  });

  it("ends only the answer whose constraint throws where a guess is weighed", async () => {
    const { create } = await counted();
    const scheduler = create();
    const broken = new Error("no way on");
    const counts = [0, 0];
    const ask = (index: number, own: Partial<GenerateOptions>) =>
      scheduler.answer({
        ids: HELLO,
        options: { ...options, ...own },
        signal: new AbortController().signal,
        onId: () => void counts[index]++,
      });
    const allowed = () => {
      if (counts[0] === 3) throw broken;
      return undefined;
    };
    const constraint = { allowed, accept() {} };
    const [wrong, right] = await Promise.allSettled([ask(0, { constraint, propose: () => [2047] }), ask(1, {})]);
    expect([wrong, right.status]).toEqual([{ status: "rejected", reason: broken }, "fulfilled"]);
    expect(counts).toEqual([3, 20]);
  });
});
