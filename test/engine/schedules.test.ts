// Many sequences in one model: whatever runs beside one, joins, leaves, is given up or evicted, its bits are its own.
import { expect, it } from "vitest";
import { createScheduler, type Scheduler } from "../../src/engine/scheduler.ts";
import { play, rigOf } from "./schedules.ts";
import { forgetful } from "./shared-beginning.ts";

it("gives every answer the bits of being alone, over random schedules", async () => {
  const rig = await rigOf({ mode: "int8" });
  for (let number = 0; number < 12; number++) await play(rig, 1, number);
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
