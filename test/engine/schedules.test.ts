// Many sequences in one model: whatever runs beside one, joins, leaves, is given up or evicted, its bits are its own.
import { expect, it } from "vitest";
import { createScheduler, type Scheduler } from "../../src/engine/scheduler.ts";
import { play, rigOf } from "./schedules.ts";
import { forgetful } from "./shared-beginning.ts";

it("gives every answer the bits of being alone, over random schedules", async () => {
  const rig = await rigOf({ mode: "int8" });
  for (let number = 0; number < 12; number++) await play(rig, 1, number);
});

it("reads a prompt that needs every page, whatever is kept that begins like it", async () => {
  const { model, slots, maxLogitRows } = await forgetful({ mode: "int8", contextLength: 160, parallel: 3 });
  const parts = { model, slots, pages: 5, contextLength: 160, maxLogitRows, pause: async () => {} };
  const ask = async (scheduler: Scheduler, ids: readonly number[]): Promise<number[]> => {
    const told: number[] = [];
    const options = { sampling: { temperature: 0 }, maxTokens: 2, stopIds: [] };
    await scheduler.answer({ ids, options, signal: new AbortController().signal, onId: (id) => told.push(id) });
    return told;
  };
  const idsOf = (length: number, from = 0) => Array.from({ length }, (_, i) => ((from + i) * i * 7) % 320);
  for (const kept of [idsOf(20), idsOf(75), idsOf(150)]) {
    for (const ids of [[...kept.slice(0, 10), ...idsOf(140, 3)], idsOf(150)]) {
      const want = await ask(createScheduler(parts), ids);
      const used = createScheduler(parts);
      await ask(used, kept);
      expect(await ask(used, ids)).toEqual(want);
    }
  }
});

it("reads a short prompt before two long ones that came first", async () => {
  const { model, slots, maxLogitRows } = await forgetful({ mode: "int8", contextLength: 160, parallel: 3 });
  const parts = { slots, pages: 15, contextLength: 160, maxLogitRows, pause: async () => {} };
  const scheduler = createScheduler({ ...parts, model: { ...model, maxStep: 8 } });
  const ended: number[] = [];
  await Promise.all(
    [150, 149, 3].map(async (length) => {
      const ids = Array.from({ length }, (_, i) => (i * i + length) % 320);
      const options = { sampling: { temperature: 0 }, maxTokens: 1, stopIds: [] };
      await scheduler.answer({ ids, options, signal: new AbortController().signal, onId: () => ended.push(length) });
    }),
  );
  expect(ended).toEqual([3, 149, 150]);
});

it("goes on from a replay that was given up, not from what its convolutions remembered in the middle of it", async () => {
  const { model, slots, maxLogitRows } = await forgetful({ mode: "int8", contextLength: 160 });
  let onPause = (): void => {};
  const create = (): Scheduler => {
    // Steps shorter than a replay.
    const parts = { model: { ...model, maxStep: 8 }, slots, pages: 10, contextLength: 160, maxLogitRows };
    return createScheduler({ ...parts, pause: async () => onPause() });
  };
  const options = { sampling: { temperature: 0 }, maxTokens: 2, stopIds: [], topLogprobs: 0 };
  const ask = async (scheduler: Scheduler, ids: readonly number[], signal = new AbortController().signal) => {
    const told: (number | undefined)[] = [];
    await scheduler.answer({ ids, options, signal, onId: (_, logprobs) => told.push(logprobs?.logprob) });
    return told;
  };
  const first = Array.from({ length: 100 }, (_, i) => (i * i * 7) % 320);
  const second = [...first.slice(0, 64), 300];
  const want = await ask(create(), second);
  const used = create();
  await ask(used, first);
  const leaving = new AbortController();
  let pauses = 0;
  onPause = () => {
    if (++pauses === 2) leaving.abort(new Error("left"));
  };
  await expect(ask(used, second, leaving.signal)).rejects.toThrow("left");
  expect(await ask(used, second)).toEqual(want);
});
