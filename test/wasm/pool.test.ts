// Threads that share the kernels' work: the same bits whatever their number, errors instead of hangs, rest when idle.
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { type LanguageModel, open } from "../../src/index.ts";
import type { Bank } from "../../src/wasm/bank.ts";
import type { Kernels } from "../../src/wasm/compiled.ts";
import { kernelUrl } from "../../src/wasm/kernel-url.ts";
import { createControl, createPool } from "../../src/wasm/pool.ts";
import { golden } from "../model/run.ts";

const opened: LanguageModel[] = [];
const helpers: Worker[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((model) => model.close()));
  await Promise.all(helpers.splice(0).map((helper) => helper.terminate()));
});

describe("threads", () => {
  it("rest when there is nothing to do", async () => {
    const model = await open(golden("nano/lfm2-nano-Q4_0.gguf"), { threads: 2 });
    opened.push(model);
    await model.logits(Array.from({ length: 400 }, (_, i) => 16 + i));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { user, system } = process.cpuUsage(before);
    // One thread that still spun would have used 500 ms.
    expect((user + system) / 1000).toBeLessThan(100);
  });
});

/** A helper over a memory of one page, where most addresses are out of bounds. */
async function helperOver(control: SharedArrayBuffer): Promise<void> {
  const module = new WebAssembly.Module(readFileSync(kernelUrl({ name: "baseline", threads: true })));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const helper = new Worker(new URL("../../src/worker/node-helper.ts", import.meta.url));
  helpers.push(helper);
  const ready = new Promise((resolve) => helper.once("message", resolve));
  helper.postMessage({ module, memories: [memory], control, index: 1 });
  await ready;
}

/** A bank whose kernels are JavaScript and slow, so that a helper finds ranges to take. */
function slowBank(onRange: (begin: number, end: number) => void): Bank {
  const swiglu = (...args: number[]): void => {
    onRange(args[3], args[4]);
    for (const begin = performance.now(); performance.now() - begin < 20; );
  };
  return { index: 0, kernels: { swiglu } as unknown as Kernels } as Bank;
}

describe("a pool", () => {
  it("covers every unit once, a helper's part and its own together", async () => {
    const control = createControl(2);
    const pool = createPool(control, 2);
    await helperOver(control);
    // Who takes how much is the machine's choice; on a busy one, either may be left with nothing now and then.
    let isShared = false;
    for (let run = 0; run < 50 && !isShared; run++) {
      const ranges: [number, number][] = [];
      // Addresses within the helper's one page, so that its part succeeds.
      pool.run(
        slowBank((begin, end) => ranges.push([begin, end])),
        "swiglu",
        [1024, 2048, 4096],
        { total: 200, grain: 4 },
      );
      const own = ranges.reduce((sum, [begin, end]) => sum + end - begin, 0);
      expect(ranges.every(([begin, end]) => begin % 4 === 0 && end <= 200)).toBe(true);
      expect(own).toBeLessThanOrEqual(200);
      isShared = own > 0 && own < 200;
    }
    expect(isShared).toBe(true);
  });

  it("turns a helper's trap into an error that says what happened", async () => {
    const control = createControl(2);
    const pool = createPool(control, 2);
    await helperOver(control);
    const beyond = 1 << 20;
    const run = () =>
      pool.run(
        slowBank(() => {}),
        "swiglu",
        [beyond, beyond, beyond],
        { total: 800, grain: 4 },
      );
    expect(run).toThrow(/A helper thread failed: RuntimeError: memory access out of bounds/);
  });

  it("forgets a helper's trap in an op in which its own part failed, too", async () => {
    const control = createControl(2);
    const pool = createPool(control, 2);
    await helperOver(control);
    const beyond = 1 << 20;
    const failing = slowBank(() => {
      for (const begin = performance.now(); performance.now() - begin < 20; );
      throw new Error("own part");
    });
    const fails = () => pool.run(failing, "swiglu", [beyond, beyond, beyond], { total: 800, grain: 4 });
    // The length of the helper's message; on a busy machine it may take nothing now and then.
    const hasTrapped = () => new Int32Array(control)[9] > 0;
    for (let run = 0; run < 50 && !hasTrapped(); run++) expect(fails).toThrow("own part");
    expect(hasTrapped()).toBe(true);
    pool.run(
      slowBank(() => {}),
      "swiglu",
      [1024, 2048, 4096],
      { total: 200, grain: 4 },
    );
  });

  it("waits for a helper that is in the middle of a range, however long it takes", async () => {
    const control = createControl(2);
    const pool = createPool(control, 2);
    const words = new Int32Array(control);
    const done = new Int32Array(new SharedArrayBuffer(4));
    // Stands for a helper that has lost its processor: word 2 counts those that are busy.
    words[2] = 1;
    const code = `const { workerData: { words, done } } = require("node:worker_threads");
      setTimeout(() => {
        Atomics.store(done, 0, 1);
        Atomics.sub(words, 2, 1);
        Atomics.notify(words, 2);
      }, 300);`;
    helpers.push(new Worker(code, { eval: true, workerData: { words, done } }));
    pool.run(
      slowBank(() => {}),
      "swiglu",
      [0, 0, 0],
      { total: 8, grain: 8 },
    );
    expect(Atomics.load(done, 0)).toBe(1);
  });

  it("lets helpers rest beyond the number in use, and work again", async () => {
    const control = createControl(2);
    const pool = createPool(control, 2);
    await helperOver(control);
    const own = (): number => {
      let units = 0;
      const bank = slowBank((begin, end) => {
        units += end - begin;
      });
      pool.run(bank, "swiglu", [1024, 2048, 4096], { total: 200, grain: 4 });
      return units;
    };
    pool.use(1);
    for (let run = 0; run < 5; run++) expect(own()).toBe(200);
    pool.use(2);
    let isShared = false;
    for (let run = 0; run < 50 && !isShared; run++) isShared = own() < 200;
    expect(isShared).toBe(true);
  });

  it("begins a helper's part where its own ends, and takes what is left of the other", () => {
    const control = createControl(2);
    const pool = createPool(control, 2);
    const words = new Int32Array(control);
    const begins: number[] = [];
    // Word 2 counts helpers that are busy; each part's next range has a number in a cache line of its own, from byte 1024 on.
    const takeAsHelper = (): number => Atomics.add(words, (1024 + 64) >> 2, 1);
    const bank = slowBank((begin) => {
      if (begins.length === 0) expect(takeAsHelper()).toBe(0);
      begins.push(begin);
    });
    pool.run(bank, "swiglu", [0, 0, 0], { total: 200, grain: 4 });
    // All of its own half; of the other the second half, as a helper has the first.
    expect(begins.filter((begin) => begin < 100)[0]).toBe(0);
    expect(begins.filter((begin) => begin >= 100)[0]).toBe(152);
    expect(takeAsHelper()).toBeGreaterThanOrEqual(1 << 30);
  });

  it("does not wait for helpers that never came", () => {
    const pool = createPool(createControl(8), 8);
    const ranges: [number, number][] = [];
    pool.run(
      slowBank((begin, end) => ranges.push([begin, end])),
      "swiglu",
      [0, 0, 0],
      { total: 100, grain: 8 },
    );
    // In order, without gaps, to the end, though that is no multiple of the grain.
    expect(ranges[0][0]).toBe(0);
    expect(ranges.at(-1)?.[1]).toBe(100);
    for (let i = 1; i < ranges.length; i++) expect(ranges[i][0]).toBe(ranges[i - 1][1]);
  });
});
