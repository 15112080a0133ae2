import { describe, expect, it } from "vitest";
import { createRandom, expandSeed, splitMix64, xoshiro128 } from "../../src/sampling/random.ts";

const take = <T>(next: () => T, count: number): T[] => Array.from({ length: count }, next);

describe("splitMix64", () => {
  it("gives the outputs of Vigna's splitmix64.c, as published in Rust's rand_xoshiro tests", () => {
    expect(take(splitMix64(1477776061723855037n), 12)).toEqual([
      1985237415132408290n,
      2979275885539914483n,
      13511426838097143398n,
      8488337342461049707n,
      15141737807933549159n,
      17093170987380407015n,
      16389528042912955399n,
      13177319091862933652n,
      10841969400225389492n,
      17094824097954834098n,
      3336622647361835228n,
      9678412372263018368n,
    ]);
  });
});

describe("xoshiro128", () => {
  it("gives the outputs of xoshiro128starstar.c from state 1, 2, 3, 4, as published in Rust's rand_xoshiro tests", () => {
    expect(take(xoshiro128([1, 2, 3, 4]), 10)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });
});

describe("expandSeed", () => {
  it("gives the state and outputs that the reference C gives for seed 42", () => {
    const state = expandSeed(42);
    expect(state).toEqual([803958421, 3184996902, 2993090819, 686809907]);
    expect(take(xoshiro128(state), 4)).toEqual([1776835114, 4165204688, 17111135, 2317295270]);
  });

  it("takes seeds modulo 2⁶⁴", () => {
    expect(expandSeed(-1)).toEqual(expandSeed(2n ** 64n - 1n));
    expect(expandSeed(2n ** 64n)).toEqual(expandSeed(0));
  });
});

describe("createRandom", () => {
  it("stays in [0, 1) and fills it evenly", () => {
    const random = createRandom(1);
    const bins = new Float64Array(16);
    for (let i = 0; i < 16_000; i++) {
      const u = random();
      expect(u >= 0 && u < 1).toBe(true);
      bins[Math.floor(u * 16)]++;
    }
    // 37.7 is exceeded once in a thousand seeds at 15 degrees of freedom.
    expect(bins.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)).toBeLessThan(37.7);
  });

  it("joins two outputs into 53 bits, the first one high", () => {
    const next = xoshiro128(expandSeed(5));
    const [a, b] = [next(), next()];
    expect(createRandom(5)()).toBe(((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53);
  });
});
