// Which threads rest is decided by times alone: here by those of a machine that exists on paper.
import { describe, expect, it } from "vitest";
import { createCrowding } from "../../src/wasm/crowding.ts";

/**
 * Runs ops of a millisecond for so long on a machine with so many processors: threads without one lose half of the time.
 * @returns how many milliseconds passed with each number of threads
 */
function run(
  crowding: ReturnType<typeof createCrowding>,
  clock: { now: number; lostMs: number },
  processors: number,
  ms: number,
): number[] {
  const spent: number[] = [];
  for (const end = clock.now + ms; clock.now < end; clock.now++) {
    const threads = crowding.threadsAt(clock.now, clock.lostMs);
    if (threads > processors) clock.lostMs += 0.5;
    spent[threads] = (spent[threads] ?? 0) + 1;
  }
  return spent;
}

const share = (spent: number[], threads: number): number =>
  (spent[threads] ?? 0) / spent.reduce((sum, count) => sum + count, 0);

describe("threads of a pool", () => {
  it("all take part where each has a processor", () => {
    const spent = run(createCrowding(4), { now: 0, lostMs: 0 }, 4, 5000);
    expect(share(spent, 4)).toBe(1);
  });

  it.each([3, 4, 8])("rest, of %i, until as many are left as there are processors", (size) => {
    const crowding = createCrowding(size);
    const clock = { now: 0, lostMs: 0 };
    run(crowding, clock, 2, 1000);
    expect(share(run(crowding, clock, 2, 20_000), 2)).toBeGreaterThan(0.9);
  });

  it("come back when other programs have ended", () => {
    const crowding = createCrowding(2);
    const clock = { now: 0, lostMs: 0 };
    expect(share(run(crowding, clock, 1, 10_000), 1)).toBeGreaterThan(0.8);
    run(crowding, clock, 2, 5000);
    expect(share(run(crowding, clock, 2, 1000), 2)).toBe(1);
  });

  it("do not rest because a processor is taken for a moment", () => {
    const crowding = createCrowding(2);
    const clock = { now: 0, lostMs: 0 };
    for (let moment = 0; moment < 20; moment++) {
      expect(share(run(crowding, clock, 1, 60), 2)).toBe(1);
      expect(share(run(crowding, clock, 2, 200), 2)).toBe(1);
    }
  });

  it("rest also where ops longer than two windows come between others, as in a prompt", () => {
    const crowding = createCrowding(2);
    const spent = [0, 0, 0];
    for (let layer = 0, now = 0, lostMs = 0; layer < 50; layer++) {
      for (const ms of [120, 120, 120, 30, 20, 10, 5]) {
        const threads = crowding.threadsAt(now, lostMs);
        spent[threads] += ms;
        if (threads === 2) lostMs += ms / 2;
        now += ms;
      }
    }
    expect(share(spent, 1)).toBeGreaterThan(0.5);
  });

  it("never rest all", () => {
    const crowding = createCrowding(2);
    expect(run(crowding, { now: 0, lostMs: 0 }, 0, 5000)[0]).toBeUndefined();
  });

  it("are as many as are wanted", () => {
    const crowding = createCrowding(4);
    const clock = { now: 0, lostMs: 0 };
    crowding.want(3);
    expect(share(run(crowding, clock, 4, 500), 3)).toBe(1);
    crowding.want(1);
    expect(share(run(crowding, clock, 0, 500), 1)).toBe(1);
    crowding.want(4);
    expect(share(run(crowding, clock, 4, 500), 4)).toBe(1);
  });

  it("do not rest because the model did nothing for a while", () => {
    const crowding = createCrowding(2);
    crowding.threadsAt(0, 0);
    crowding.threadsAt(50, 0);
    expect(crowding.threadsAt(10_000, 9000)).toBe(2);
  });
});
