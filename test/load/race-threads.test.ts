// How many threads compute is decided by times alone: here by those of a machine that exists on paper.
import { describe, expect, it } from "vitest";
import { open as openModel } from "../../src/index.ts";
import { entrants, fastestCounts, raceThreads } from "../../src/load/race-threads.ts";
import { threadsText } from "../../src/load/threads-text.ts";
import { golden, load, open } from "../model/run.ts";

/** A clock that only moves when work is done on it. */
function machine(msOf: (count: number, run: number) => number) {
  let time = 0;
  let runs = 0;
  return {
    /** The fastest of so many. */
    race(most: number, lostOf = (_: number): number => 0) {
      let lost = 0;
      const run = (count: number): void => {
        lost += lostOf(count);
        time += msOf(count, runs++);
      };
      return fastestCounts(most, run, { now: () => time, lost: () => lost });
    },
    get runs() {
      return runs;
    },
  };
}

describe("the race of thread counts", () => {
  it.each([
    [1, [1]],
    [2, [2, 1]],
    [6, [6, 3, 1]],
    [8, [8, 4, 2, 1]],
  ])("of %i threads has the entrants %o", (most, counts) => {
    expect(entrants(most)).toEqual(counts);
  });

  it("is won by all threads where each adds its share", () => {
    const { race } = machine((count) => 8 / count);
    expect(race(8)).toEqual({ found: 8, unhindered: 8 });
  });

  it("is won by as many as there are cores where a browser reports more", () => {
    const { race } = machine((count) => (count <= 2 ? 8 / count : 4 + 3 * count));
    expect(race(8)).toEqual({ found: 2, unhindered: 2 });
  });

  it("knows which threads are slow for want of a processor alone", () => {
    const { race } = machine((count) => (count <= 2 ? 8 / count : 4 + 3 * count));
    const lostOf = (count: number): number => (count <= 2 ? 0 : 2 + 3 * count);
    expect(race(4, lostOf)).toEqual({ found: 2, unhindered: 4 });
  });

  it("has a winner where threads together have lost more time than there was", () => {
    const { race } = machine(() => 5);
    expect(race(4, (count) => (count === 4 ? 20 : 0))).toEqual({ found: 4, unhindered: 4 });
  });

  it("is won by one where a model is so small that waiting takes longer than work", () => {
    const { race } = machine((count) => 1 + 0.2 * (count - 1));
    expect(race(4)).toEqual({ found: 1, unhindered: 1 });
  });

  it("is won by more threads where fewer gain next to nothing", () => {
    const { race } = machine((count) => (count === 1 ? 8 : count === 2 ? 4 : 4.1));
    expect(race(4)).toEqual({ found: 4, unhindered: 4 });
  });

  it("is not decided by runs that something else interrupted", () => {
    const { race } = machine((count, run) => (run < 5 ? 3 : 8 / count));
    expect(race(4)).toEqual({ found: 4, unhindered: 4 });
  });

  it("begins no more rounds once it has taken long", () => {
    const slow = machine((count) => 1000 / count);
    expect(slow.race(4).found).toBe(4);
    expect(slow.runs).toBe(3);
  });
});

describe("a model's threads", () => {
  it("are raced for one row and for a prompt, which leaves nothing in the sequence", async () => {
    const { model, sequences } = await load(await open("nano", "lfm2-nano-Q4_0.gguf"), {});
    const [sequence] = sequences;
    const threads = { decode: 4, prompt: 4 };
    let time = 0;
    // The clock is read as often in each run, and passes slowest where two threads compute.
    const now = (): number => {
      time += threads.decode === 2 ? 1 : 3;
      return time;
    };
    raceThreads(threads, model, sequence, { now, lost: () => 0 });
    expect(threads).toEqual({ decode: 2, prompt: 2 });
    expect(sequence).toMatchObject({ ids: [], next: 0 });
  });

  it("are those that were asked for, without a race", async () => {
    const model = await openModel(golden("nano/lfm2-nano-Q4_0.gguf"), { threads: 2 });
    const { threads, computing } = model.settings;
    await model.close();
    expect([threads, computing]).toEqual([2, undefined]);
  });

  it("are said in words", () => {
    expect(threadsText({ threads: 1 })).toBe("1 thread");
    expect(threadsText({ threads: 2 })).toBe("2 threads");
    expect(threadsText({ threads: 4, computing: { decode: 2, prompt: 2 } })).toBe("2 of 4 threads, measured");
    expect(threadsText({ threads: 4, computing: { decode: 2, prompt: 4 } })).toBe(
      "2 (4 for prompts) of 4 threads, measured",
    );
  });
});
