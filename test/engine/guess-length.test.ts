// How many ids are guessed: by what steps were measured to take, and by how often guesses came true.
import { describe, expect, it } from "vitest";
import {
  createAcceptances,
  createStepCosts,
  plannedReads,
  rowsAhead,
  type StepCosts,
} from "../../src/engine/guess-length.ts";
import { promptLookup } from "../../src/engine/prompt-lookup.ts";
import { type Config, readConfig } from "../../src/model/config.ts";
import { shapes } from "../../src/synth/shapes.ts";

/** LFM2-8B-A1B. */
const config: Config = readConfig(shapes["lfm2-8b-a1b"]);

function measured(ms: readonly (number | undefined)[], speedAt = (_round: number): number => 1) {
  const costs = createStepCosts((rows) => plannedReads(config, rows));
  for (let round = 0; round < 60; round++) {
    ms.forEach((cost, i) => {
      if (cost !== undefined) costs.add(i + 1, cost * speedAt(round));
    });
  }
  return costs;
}

/** Of one sequence, of whose ids `certain` come in any case. */
function guessLength(costs: StepCosts, most: number, rate: number, certain = 0, mostMs = 1e9): number {
  return rowsAhead(costs, [{ certain, runnable: certain + most, rate }], 16, mostMs)[0];
}

describe("a guess's length", () => {
  it("is planned by what is read: four tokens choose 13 of 32 experts, eight 21", () => {
    expect(plannedReads(config, 1)).toBeCloseTo(1, 12);
    expect(plannedReads(config, 4)).toBeCloseTo(2.44, 1);
    expect(plannedReads(config, 8)).toBeCloseTo(3.58, 1);
    expect(plannedReads({ ...config, numExperts: 0, numExpertsPerTok: 0 }, 8)).toBe(1);
  });

  it("gives the most ids per millisecond", () => {
    const costs = measured([30, 45, 60, 75, 95, 115, 130, 150]);
    const speed = (rate: number, length: number): number =>
      Array.from({ length: length + 1 }, (_, i) => rate ** i).reduce((sum, p) => sum + p, 0) / costs.of(length + 1);
    for (const rate of [0.8, 0.9, 0.95, 1]) {
      const found = guessLength(costs, 7, rate);
      for (let length = 0; length <= 7; length++)
        expect(speed(rate, found)).toBeGreaterThanOrEqual(speed(rate, length));
      expect(found).toBeGreaterThan(0);
    }
  });

  it("is 0 where guesses do not pay, or too little to be told from noise", () => {
    const costs = measured([30, 45, 60, 75]);
    for (const rate of [0, 0.3, 0.5, 0.51]) expect(guessLength(costs, 3, rate)).toBe(0);
    expect(guessLength(costs, 0, 1)).toBe(0);
  });

  it("is 0 until it is known what a step of one row takes", () => {
    const costs = createStepCosts((rows) => plannedReads(config, rows));
    costs.add(1, 30);
    costs.add(1, 30);
    expect(guessLength(costs, 8, 1)).toBe(0);
    costs.add(1, 30);
    expect(guessLength(costs, 8, 1)).toBeGreaterThan(0);
  });

  it("is 0 by a clock that some steps do not move", () => {
    const costs = createStepCosts(() => 1);
    for (const ms of [0, 0, 17, 17, 17]) costs.add(1, ms);
    expect(guessLength(costs, 8, 0.9)).toBe(0);
    const later = measured([3, 4.5, 6]);
    expect(guessLength(later, 8, 0.9)).toBeGreaterThan(0);
    later.add(2, 0);
    expect(guessLength(later, 8, 0.9)).toBe(0);
  });

  it("is not decided by one hiccup, in either direction", () => {
    const costs = measured([30, 45, 60, 75]);
    const before = costs.of(4) / costs.of(1);
    costs.add(4, 900);
    costs.add(1, 900);
    expect(Math.abs(costs.of(4) / costs.of(1) / before - 1)).toBeLessThan(0.03);
  });

  it("is not decided by a change of the machine's speed between two lengths", () => {
    const costs = measured([30, 45, 60, 75]);
    for (let k = 0; k < 40; k++) costs.add(2, 60);
    expect(costs.of(2)).toBeCloseTo(60, 0);
    expect(costs.of(2) / costs.of(1)).toBeLessThan(1.6);
    for (let k = 0; k < 40; k++) costs.add(1, 25);
    expect(costs.of(2) / costs.of(1)).toBeLessThan(1.6);
    const shaken = measured([30, 45, 60, 75], (round) => 1 + 0.3 * Math.sin(round / 5));
    expect(shaken.of(2) / shaken.of(1)).toBeCloseTo(1.5, 1);
    expect(shaken.of(4) / shaken.of(1)).toBeCloseTo(2.5, 1);
  });

  it("that seemed too dear once is tried again in the end", () => {
    const costs = createStepCosts((rows) => plannedReads(config, rows));
    for (let k = 0; k < 3; k++) costs.add(1, 30);
    costs.add(2, 900);
    expect(guessLength(costs, 1, 1)).toBe(0);
    for (let k = 0; k < 5000; k++) costs.add(1, 30);
    expect(guessLength(costs, 1, 1)).toBe(1);
  });

  it("lies, where it has not been tried, between its neighbours, or is planned from those below", () => {
    const costs = measured([30, undefined, undefined, 75]);
    expect(costs.of(2)).toBeCloseTo(45, 1);
    expect(costs.of(8)).toBeCloseTo((75 * plannedReads(config, 8)) / plannedReads(config, 4), 1);
    const dense = createStepCosts(
      () => 1,
      () => 9,
    );
    for (let k = 0; k < 3; k++) dense.add(1, 30);
    expect([dense.of(2), dense.of(8)]).toEqual([30, 72]); // no less than so many positions of a long step
  });
});

describe("rows ahead", () => {
  const costs = measured([30, 45, 60, 75, 90, 105, 120, 135]);
  const none = { certain: 0, runnable: 0, rate: 0 };
  const sure = { certain: 0, runnable: 15, rate: 0.98 };

  it("always include what is certain, of a sequence by itself, and guesses behind it as far as they pay", () => {
    expect(guessLength(costs, 0, 0, 3)).toBe(3);
    expect(
      guessLength(
        createStepCosts(() => 1),
        5,
        1,
        3,
      ),
    ).toBe(3);
    expect(guessLength(costs, 9, 0.2, 3)).toBe(3);
    expect(guessLength(costs, 9, 0.95, 3)).toBeGreaterThan(3);
  });

  it("take no longer than they may, and are no more than a step has room for", () => {
    expect(guessLength(costs, 15, 1, 0, 80)).toBe(3);
    expect(guessLength(costs, 15, 1, 9, 80)).toBe(3);
    expect(rowsAhead(costs, [{ certain: 15, runnable: 15, rate: 1 }], 6, 1e9)).toEqual([5]);
    expect(rowsAhead(costs, [sure, sure, sure], 6, 1e9).reduce((a, b) => a + b)).toBeLessThanOrEqual(3);
  });

  it("take nothing from another sequence of the step, which has none", () => {
    expect(rowsAhead(costs, [sure, none], 16, 1e9)).toEqual([0, 0]);
    const free = measured([30, 30, 30, 30]);
    expect(rowsAhead(free, [none, sure], 16, 1e9)).toEqual([0, 2]);
  });

  it("are shared out where all gain", () => {
    expect(Math.min(...rowsAhead(costs, [sure, sure], 16, 1e9))).toBeGreaterThan(0);
  });
});

describe("the rate of guesses that come true", () => {
  it("is that of the last fifty or so, less by what so few may err", () => {
    const acceptance = createAcceptances()();
    expect(acceptance.rate).toBeLessThan(0.5);
    for (let i = 0; i < 200; i++) acceptance.add(i % 4 === 0);
    expect(acceptance.rate).toBeGreaterThan(0.1);
    expect(acceptance.rate).toBeLessThan(0.35);
    for (let i = 0; i < 100; i++) acceptance.add(true);
    expect(acceptance.rate).toBeGreaterThan(0.8);
    expect(acceptance.rate).toBeLessThan(0.95);
  });

  it("begins with that of the answers before, and soon has its own", () => {
    const begin = createAcceptances();
    const first = begin();
    for (let i = 0; i < 100; i++) first.add(true);
    const second = begin();
    expect(second.rate).toBeGreaterThan(0.7);
    for (let i = 0; i < 3; i++) second.add(false);
    expect(second.rate).toBeLessThan(0.6);
    expect(begin().rate).toBeGreaterThan(0.7); // three guesses hardly count beside a hundred
  });
});

describe("prompt lookup", () => {
  it("goes on as the text did where it last had the most in common", () => {
    expect(promptLookup([1, 2, 3, 4, 9, 2, 3])).toEqual([4, 9, 2, 3]);
    expect(promptLookup([1, 2, 3, 4, 7, 2, 3, 5, 2, 3])).toEqual([5, 2, 3]);
    expect(promptLookup([1, 2, 3, 4, 7, 2, 3, 5, 1, 2, 3])).toEqual([4, 7, 2, 3, 5, 1, 2, 3]);
    expect(promptLookup([5, 5, 5])).toEqual([5]);
  });

  it("says nothing where the last two ids have not stood before", () => {
    for (const ids of [[], [1], [1, 1], [1, 2, 1], [1, 2, 3, 4, 2], [3, 2, 1, 3]])
      expect(promptLookup(ids)).toEqual([]);
  });

  it("guesses at most sixteen ids", () => {
    const ids = Array.from({ length: 100 }, (_, i) => i);
    expect(promptLookup([...ids, 20, 21])).toEqual(ids.slice(22, 38));
  });
});
