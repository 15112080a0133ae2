import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { choices, seedOfChoice } from "../../src/chat/choices.ts";

async function* echo({ seed }: { readonly seed?: number | bigint }, index: number) {
  yield `${index}: ${seed}`;
}

async function collect<T>(pieces: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

describe("choices", () => {
  it("asks with seed, seed + 1, …", async () => {
    expect(await collect(choices(3, { seed: 7 }, echo))).toEqual([
      { index: 0, piece: "0: 7" },
      { index: 1, piece: "1: 8" },
      { index: 2, piece: "2: 9" },
    ]);
  });

  it("gives out pieces as they come, and leaves all answers when it is left, or one fails", async () => {
    const left: number[] = [];
    const waits: (() => void)[] = [];
    async function* answer(_: object, index: number) {
      try {
        yield `${index} begins`;
        await new Promise<void>((resolve) => {
          waits[index] = resolve;
        });
        if (index === 2) throw new Error("the third fails");
        yield `${index} ends`;
      } finally {
        left.push(index);
      }
    }
    const pieces = choices(3, { seed: 1 }, answer);
    const texts: string[] = [];
    for (let i = 0; i < 3; i++) texts.push(((await pieces.next()).value as { piece: string }).piece);
    expect(texts).toEqual(["0 begins", "1 begins", "2 begins"]);
    const next = pieces.next();
    waits[1]();
    expect((await next).value).toEqual({ index: 1, piece: "1 ends" });
    const failing = pieces.next();
    waits[2]();
    waits[0]();
    await expect(failing.then(() => pieces.next())).rejects.toThrow("the third fails");
    expect(left.sort()).toEqual([0, 1, 2]);
  });

  it("tells all answers when it is left, so that none computes a piece that nobody takes", async () => {
    const told: number[] = [];
    async function* answer({ signal }: { readonly signal?: AbortSignal }, index: number) {
      if (index === 0) yield "first";
      await new Promise<void>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
      told.push(index);
    }
    for await (const { piece } of choices(3, { seed: 1 }, answer)) {
      expect(piece).toBe("first");
      break;
    }
    expect(told).toEqual([]);
  });

  it("leaves no error unheard while whoever takes the pieces is busy", async () => {
    const unheard: unknown[] = [];
    const hear = (reason: unknown): void => void unheard.push(reason);
    process.on("unhandledRejection", hear);
    async function* answer(_: object, index: number) {
      yield index;
      throw new Error(`${index} fails`);
    }
    const pieces = choices(2, { seed: 1 }, answer);
    await pieces.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(collect(pieces)).rejects.toThrow("fails");
    process.off("unhandledRejection", hear);
    expect(unheard).toEqual([]);
  });

  it("draws one seed for all when none is given", async () => {
    const seeds = (await collect(choices(3, {}, echo))).map(({ piece }) => BigInt(piece.split(": ")[1]));
    expect(seeds[2] - seeds[0]).toBe(2n);
    const others = await collect(choices(1, {}, echo));
    expect(others[0].piece).not.toBe(`0: ${seeds[0]}`);
  });

  it.each([0, -1, 1.5, 129, Number.NaN])("refuses %d answers", async (count) => {
    await expect(collect(choices(count, { seed: 1 }, echo))).rejects.toThrow(
      `n: expected an integer from 1 to 128, found ${count}.`,
    );
  });
});

describe("seedOfChoice", () => {
  it("adds exactly, at any size", () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), fc.bigInt()), fc.nat(127), (seed, index) => {
        expect(BigInt(seedOfChoice(seed, index))).toBe(BigInt(seed) + BigInt(index));
      }),
    );
    expect(seedOfChoice(Number.MAX_SAFE_INTEGER, 2)).toBe(2n ** 53n + 1n);
    expect(seedOfChoice(5, 2)).toBe(7);
  });
});
