// A sample of what test/fuzz/schemas.ts runs by hand: formats that are large, deep, circular or ambiguous.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { random, written } from "./hostile-formats.ts";
import { tryFormat } from "./try-format.ts";

/** Processor time: five times what is promised of an idle machine. */
const MOST_MS = 5000;
const EVERY = 8;

describe("a hostile format", () => {
  it("is compiled and followed, or refused by name, within seconds", () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    // As text, one whose parts share each other is exponentially long: those written by hand have names instead.
    const sample = [
      ...written
        .filter((_, i) => i % EVERY === seed % EVERY)
        .map((hostile) => ({ hostile, told: `seed ${seed}: ${hostile.name}` })),
      ...fc.sample(random, { seed, numRuns: 25 }).map((hostile) => ({
        hostile,
        told: `seed ${seed}: ${hostile.name} ${JSON.stringify(hostile.request).slice(0, 1000)}`,
      })),
    ];
    const outcomes = sample.map(({ hostile, told }) => {
      try {
        return { told, ...tryFormat(hostile, seed) };
      } catch (cause) {
        throw new Error(told, { cause });
      }
    });
    expect(outcomes.filter(({ compileMs, maskMs }) => Math.max(compileMs, maskMs) > MOST_MS)).toEqual([]);
    // Not everything is refused.
    expect(outcomes.some(({ refused }) => refused === undefined)).toBe(true);
    for (const { refused } of outcomes) if (refused !== undefined) expect(refused).toMatch(/^[^:]+: expected .*found/s);
  });
});
