// Random schedules of requests on one model: arrivals, aborts between steps and in the middle of one, too few pages.
import { expect } from "vitest";
import { eachLogits } from "../../src/engine/engine.ts";
import { createScheduler, type Scheduler } from "../../src/engine/scheduler.ts";
import type { ModelOptions } from "../../src/load/model-options.ts";
import { type Dice, diceOf } from "../fuzz/dice.ts";
import { type Counted, forgetful } from "./shared-beginning.ts";

const CONTEXT = 160;
const SLOTS = 3;
/** Of one context, and of little more: three sequences never all have theirs. */
const PAGES = [5, 6];

interface Asked {
  readonly ids: readonly number[];
  readonly maxTokens: number;
  readonly seed: number;
}

interface Taken {
  readonly id: number;
  readonly logprob: number | undefined;
}

export interface Rig {
  readonly engine: Counted;
  /** What each request gives on a model of its own. */
  readonly alone: Map<string, Taken[]>;
  readonly logits: Map<string, number[]>;
}

export async function rigOf(options: ModelOptions): Promise<Rig> {
  const contextLength = CONTEXT;
  const engine = await forgetful({ contextLength, parallel: SLOTS, kvMemory: 1 << 24, ...options });
  return { engine, alone: new Map(), logits: new Map() };
}

/** Every schedule begins with nothing kept. */
function schedulerOf({ engine }: Rig, pages: number, pause: () => Promise<void>, isAwaited: () => boolean): Scheduler {
  const { model, slots, maxLogitRows } = engine;
  return createScheduler({ model, slots, pages, contextLength: CONTEXT, maxLogitRows, pause, isAwaited });
}

/** Prompts that often begin alike, up to any position. */
function askedBy(dice: Dice): Asked {
  const length = 1 + dice.below(dice.pick([4, 60, 60, CONTEXT]));
  const family = dice.below(2);
  const cut = dice.chance(0.7) ? length : dice.below(length);
  const other = dice.below(3);
  const ids = Array.from({ length }, (_, i) => (i < cut ? i * i * 7 + family : i * 11 + other) % 320);
  return { ids, maxTokens: 1 + dice.below(dice.pick([3, 12, 80])), seed: dice.below(3) };
}

async function ask(
  scheduler: Scheduler,
  { ids, maxTokens, seed }: Asked,
  life: { readonly signal: AbortSignal; readonly isGivenUp?: () => boolean },
  taken: Taken[] = [],
): Promise<Taken[]> {
  await scheduler.answer({
    ...life,
    ids,
    options: { sampling: { temperature: 0.9, seed }, maxTokens, stopIds: [], topLogprobs: 0 },
    onId: (id, logprobs) => taken.push({ id, logprob: logprobs?.logprob }),
  });
  return taken;
}

async function aloneOf(rig: Rig, asked: Asked): Promise<Taken[]> {
  const name = JSON.stringify(asked);
  const known = rig.alone.get(name);
  if (known !== undefined) return known;
  const scheduler = schedulerOf(
    rig,
    PAGES[0],
    async () => {},
    () => false,
  );
  const taken = await ask(scheduler, asked, { signal: new AbortController().signal });
  rig.alone.set(name, taken);
  return taken;
}

/** @param held  how long its caller takes nothing now */
async function logitsOf(
  scheduler: Scheduler,
  ids: readonly number[],
  signal: AbortSignal,
  held?: () => Promise<void> | undefined,
): Promise<number[]> {
  const all: number[] = [];
  await scheduler.alone(ids.length, { signal }, ({ engine, hold }) => {
    const pause = async (): Promise<void> => {
      const caller = held?.();
      if (caller !== undefined) await hold(caller);
      signal.throwIfAborted();
    };
    return eachLogits(engine, ids, { pause, check: undefined }, (rows) => {
      for (const number of rows) all.push(number);
    });
  });
  return all;
}

/** Plays schedule `number`: whatever completes has the bits of being alone, whatever is aborted had them so far. */
export async function play(rig: Rig, seed: number, number: number): Promise<void> {
  const dice = diceOf(seed, number);
  const requests = Array.from({ length: 3 + dice.below(5) }, () => ({
    asked: askedBy(dice),
    at: dice.below(dice.pick([1, 6, 20])),
  }));
  let tick = 0;
  const due: { readonly at: number; readonly run: () => void }[] = [];
  const pause = async (): Promise<void> => {
    tick++;
    for (const one of due.filter(({ at }) => at <= tick)) {
      due.splice(due.indexOf(one), 1);
      one.run();
    }
  };
  // An arrival that is only seen within a step; sometimes it never comes.
  let awaited = 0;
  const scheduler = schedulerOf(rig, dice.pick(PAGES), pause, () => awaited > 0 && --awaited === 0);
  const running: Promise<void>[] = [];
  const start = async (asked: Asked): Promise<void> => {
    const controller = new AbortController();
    const reason = new Error("given up");
    let layers = dice.chance(0.2) ? 1 + dice.below(60) : 0;
    const isGivenUp = (): boolean => {
      if (layers > 0 && --layers === 0) controller.abort(reason);
      return controller.signal.aborted;
    };
    const isAborted = layers > 0 || dice.chance(0.3);
    if (isAborted && layers === 0)
      due.push({ at: tick + dice.below(dice.pick([3, 20])), run: () => controller.abort(reason) });
    const taken: Taken[] = [];
    try {
      await ask(
        scheduler,
        asked,
        { signal: controller.signal, isGivenUp: dice.chance(0.7) ? isGivenUp : undefined },
        taken,
      );
    } catch (error) {
      if (error !== reason) throw error;
      rig.engine.steps.length = 0;
      aborted.push([asked, taken]);
      return;
    }
    completed.push([asked, taken]);
  };
  const completed: [Asked, Taken[]][] = [];
  const aborted: [Asked, Taken[]][] = [];
  const wholes: [readonly number[], number[]][] = [];
  for (const { asked, at } of requests) {
    const run = (): void => {
      if (dice.chance(0.3)) awaited = 1 + dice.below(30);
      if (dice.chance(0.1)) {
        const ids = asked.ids.slice(0, 40);
        const held = (): Promise<void> | undefined =>
          dice.chance(0.5)
            ? new Promise((run) => {
                due.push({ at: tick + 1 + dice.below(dice.pick([3, 20])), run });
                setImmediate(run); // when everybody waits, time stands still
              })
            : undefined;
        const { signal } = new AbortController();
        running.push(logitsOf(scheduler, ids, signal, held).then((all) => void wholes.push([ids, all])));
      } else running.push(start(asked));
    };
    if (at === 0) run();
    else due.push({ at, run });
  }
  // Nothing runs yet: somebody has to make the time pass.
  while (due.length > 0 || running.length > 0) {
    const all = running.splice(0);
    await Promise.all(all);
    if (running.length === 0) await pause();
  }
  expect(scheduler.activity()).toMatchObject({ running: 0, waiting: 0, usedPositions: 0 });
  for (const [asked, taken] of completed) expect(taken).toEqual(await aloneOf(rig, asked));
  for (const [asked, taken] of aborted) expect(taken).toEqual((await aloneOf(rig, asked)).slice(0, taken.length));
  for (const [ids, all] of wholes) {
    const name = JSON.stringify(ids);
    const quiet = schedulerOf(
      rig,
      PAGES[0],
      async () => {},
      () => false,
    );
    const want = rig.logits.get(name) ?? (await logitsOf(quiet, ids, new AbortController().signal));
    rig.logits.set(name, want);
    expect(all).toEqual(want);
  }
}
