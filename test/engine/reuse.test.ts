// The beginning that two prompts share: kept, and gone on from with the bits of a run from nothing.
import { describe, expect, it } from "vitest";
import { prefill } from "../../src/engine/engine.ts";
import { open } from "../model/run.ts";
import { generate } from "./one-answer.ts";
import {
  counted,
  expectFreshBits,
  expectFreshBitsAtReach,
  forgetful,
  fresh,
  modes,
  patient,
  REPLAY,
  total,
} from "./shared-beginning.ts";

// Each backend and mode with one kind of cache; the other six pairs are in reuse.long.test.ts.
describe.each([modes[0], modes[4], modes[8]])("a prompt that shares a beginning with the one before, %o", (options) => {
  it("gives the bits of a fresh run, wherever they part, turn after turn, in any steps, given up or not", () =>
    expectFreshBits(options));

  it("gives the bits of a fresh run behind a cut at, before and after the reach of the convolutions", () =>
    expectFreshBitsAtReach(options));
});

describe("prefill", () => {
  it("runs what is new, and behind a cut as many positions as the convolutions reach", async () => {
    const used = await forgetful({ mode: "int8" });
    const ids = Array.from({ length: 100 }, (_, i) => (i * 7) % 320);
    const run = async (prompt: readonly number[]): Promise<number> => {
      used.steps.length = 0;
      const seen: [number, number][] = [];
      await prefill(used, prompt, patient, (done, all) => seen.push([done, all]));
      expect(seen.at(-1)).toEqual([total(used.steps), total(used.steps)]);
      return total(used.steps);
    };
    expect(await run(ids)).toBe(100);
    expect(await run([...ids, 1, 2, 3])).toBe(3);
    expect(await run(ids)).toBe(1 + REPLAY);
    expect(await run([...ids.slice(0, 50), 300, 301])).toBe(2 + REPLAY);
    expect(await run([...ids.slice(0, 50), 300, 301, 302])).toBe(1);
    expect(await run([...ids.slice(0, 20), 300])).toBe(1 + REPLAY);
    expect(await run([...ids.slice(0, REPLAY), 300])).toBe(1 + REPLAY);
    expect(await run([...ids.slice(0, 5), 301])).toBe(6);
    expect(await run([300])).toBe(1);
    expect(await run([300])).toBe(1);
  });
});

describe("a replay that is given up", () => {
  it("can be followed by any prompt: one that ends where it stopped, the same again, another", async () => {
    const [used, other] = await Promise.all([forgetful({ mode: "exact" }), forgetful({ mode: "exact" })]);
    const ids = Array.from({ length: 70 }, (_, i) => (i * i * 7) % 320);
    const cut = [...ids.slice(0, 50), 300, 301];
    const followers = [
      (at: number) => [...ids.slice(0, at), 302],
      (at: number) => ids.slice(0, at + 1),
      (at: number) => ids.slice(0, at),
      () => cut,
      () => ids,
      () => [1, 2, 3],
    ];
    for (const follow of followers) {
      await fresh(used, ids);
      const run = { ...used, maxStep: 5 };
      let pauses = 0;
      const pause = async (): Promise<void> => {
        if (++pauses === 3) throw new DOMException("given up", "AbortError");
      };
      await expect(prefill(run, cut, { ...patient, pause })).rejects.toThrow("given up");
      const { next: length } = run.sequence;
      expect(length).toBeGreaterThan(50 - REPLAY);
      expect(length).toBeLessThan(50);
      expect(run.sequence.ids).toEqual(ids.slice(0, 50));
      expect(await prefill(run, follow(length), patient)).toEqual(await fresh(other, follow(length)));
    }
  });
});

describe("the embedded model", () => {
  const nano = () => open("nano", "lfm2-nano-Q4_0.gguf");
  const HELLO = [1, 6, 330, 214, 55, 746, 94, 16, 7, 214, 6, 335, 214];

  it.each(["exact", "int8"] as const)("goes on from within what it said itself, %s", async (mode) => {
    const used = await counted({ mode }, nano());
    const other = await counted({ mode }, nano());
    const options = { sampling: { temperature: 0 }, maxTokens: 120, stopIds: [] };
    const said = await generate(other, HELLO, options);
    await prefill(used, [...HELLO, ...said], patient);
    for (const kept of [100, 70, 36, 20, 0]) {
      const prompt = [...HELLO, ...said.slice(0, kept), 6, 330, 214];
      used.steps.length = 0;
      const have = await prefill(used, prompt, patient);
      expect(total(used.steps)).toBeLessThanOrEqual(3 + 36);
      expect(have).toEqual(await fresh(other, prompt));
    }
  });
});
