// How soon a model that is no longer wanted stops working, and that its caller is free meanwhile.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, it } from "vitest";
import { open } from "../../src/index.ts";
import { least } from "../least.ts";
import { golden } from "../model/run.ts";
import { watchTurns } from "../text/turns.ts";
import { closeAll, LONG, openNano, serve } from "./opened.ts";

const NANO = golden("nano/lfm2-nano-Q4_0.gguf");
const [hello] = JSON.parse(readFileSync(golden("nano/golden.json"), "utf8"));
afterEach(closeAll);

describe("a model", () => {
  it("stops working when its consumer leaves the loop", async () => {
    const model = await openNano();
    const whole = performance.now();
    for await (const _ of model.generate(hello.ids, { stopIds: [], maxTokens: 1500 }));
    const wholeMs = performance.now() - whole;
    const [leftMs] = await least([wholeMs / 2], async () => {
      const begin = performance.now();
      for await (const _ of model.generate(hello.ids, { stopIds: [], maxTokens: 1500 })) break;
      await model.logits([1, 2, 3]);
      return [performance.now() - begin];
    });
    expect(leftMs).toBeLessThan(wholeMs / 2);
  });
});

/** Bound on how long giving up may take. */
const ABORT_MS = 200;

describe("abort", () => {
  const delay = async (
    start: (signal: AbortSignal) => Promise<unknown>,
    after: number,
    idle: () => Promise<unknown> = async () => {},
  ): Promise<number> => {
    const [ms] = await least([ABORT_MS], async () => {
      const controller = new AbortController();
      const reason = new Error("enough");
      const running = start(controller.signal);
      const refused = expect(running).rejects.toBe(reason);
      await new Promise((resolve) => setTimeout(resolve, after));
      const begin = performance.now();
      controller.abort(reason);
      await refused;
      // The caller is told at once; what counts is when the thread is free.
      await idle();
      return [performance.now() - begin];
    });
    return ms;
  };

  it.each(["wasm", "reference"] as const)(
    "ends a long prefill within 200 ms, in %s, and the model goes on",
    async (backend) => {
      const model = await openNano(undefined, { backend });
      expect(await delay((signal) => model.generate(LONG, { signal }).next(), 150)).toBeLessThan(ABORT_MS);
      expect(await delay((signal) => model.logits(LONG, { signal }), 150)).toBeLessThan(ABORT_MS);
      const ids: number[] = [];
      for await (const id of model.generate(hello.ids, { maxTokens: 3 })) ids.push(id);
      expect(ids).toEqual(hello.greedy_ids.slice(0, 3));
    },
  );

  it("ends a running answer within 200 ms", async () => {
    const model = await openNano();
    const answer = async (signal: AbortSignal) => {
      for await (const _ of model.generate(hello.ids, { stopIds: [], signal }));
    };
    expect(await delay(answer, 100, () => model.logits([1]))).toBeLessThan(ABORT_MS);
  });

  it("ends loading within 200 ms while a server stalls", async () => {
    const url = await serve(await readFile(NANO), { stallAfter: 2_000_000 });
    expect(await delay((signal) => open(`${url}/lfm2-nano.gguf`, { signal }), 200)).toBeLessThan(ABORT_MS);
  });

  it("ends a request that still waits for its turn", async () => {
    const model = await openNano();
    const first = model.logits(LONG.slice(0, 1500));
    expect(await delay((signal) => model.logits(LONG, { signal }), 10)).toBeLessThan(ABORT_MS);
    expect((await first).rows).toBe(1500);
  });

  it("does nothing when the signal was aborted before", async () => {
    const signal = AbortSignal.abort(new Error("never mind"));
    await expect(open(NANO, { signal })).rejects.toThrow("never mind");
    const model = await openNano();
    await expect(model.logits([1], { signal })).rejects.toThrow("never mind");
  });
});

describe("the caller's thread", () => {
  it("stays free while the model works", async () => {
    const model = await openNano();
    const [largestMs] = await least([200], async () => {
      const turns = watchTurns();
      await model.logits(LONG.slice(0, 1000));
      return [turns()];
    });
    // A step of the model is up to 2.4 s long; a caller that waited for one would show it. The margin is the machine's.
    expect(largestMs).toBeLessThan(200);
  });
});
