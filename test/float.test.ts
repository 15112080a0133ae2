import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cos, exp, expf, log, pow, sin } from "../src/float.ts";

/** Arguments, the double nearest the true value, and what that lacks of it. */
type Row = number[];
const golden: Record<"expf" | "exp" | "log" | "sin" | "cos" | "pow", Row[]> = JSON.parse(
  readFileSync(new URL("../golden/float/values.json", import.meta.url), "utf8"),
);

/** The distance between floats with `bits` of precision around x, subnormal doubles included. */
function ulp(x: number, bits: number): number {
  const lowestExponent = bits === 53 ? -1022 : -126;
  let exponent = lowestExponent;
  while (2 ** (exponent + 1) <= Math.abs(x)) exponent++;
  return 2 ** (exponent - bits + 1);
}

function errors(name: keyof typeof golden, run: (...args: number[]) => number): { args: number[]; error: number }[] {
  return golden[name].map((row) => {
    const [high, low] = row.slice(-2);
    const args = row.slice(0, -2);
    return { args, error: Math.abs(run(...args) - high - low) };
  });
}

const trueValue = (name: keyof typeof golden, i: number): number => golden[name][i].at(-2) as number;

describe("the distance to the true value stays within what the docstrings promise", () => {
  it.each([
    ["expf", expf, 24, 1],
    ["exp", exp, 53, 1],
    ["log", log, 53, 1],
    ["sin", sin, 53, 2.5],
    ["cos", cos, 53, 2.5],
  ] as const)("%s", (name, run, bits, bound) => {
    errors(name, run).forEach(({ args, error }, i) => {
      expect(error / ulp(trueValue(name, i), bits), `${name}(${args})`).toBeLessThan(bound);
    });
  });

  it.each([
    ["sin", sin],
    ["cos", cos],
  ] as const)("%s, absolutely", (name, run) => {
    for (const { args, error } of errors(name, run)) expect(error, `${name}(${args})`).toBeLessThan(2 ** -52);
  });

  it("pow", () => {
    errors("pow", pow).forEach(({ args: [x, y], error }, i) => {
      expect(error / ulp(trueValue("pow", i), 53), `pow(${x}, ${y})`).toBeLessThan(2 * (1 + Math.abs(y * Math.log(x))));
    });
  });
});

describe("at the ends of the range", () => {
  it("expf and exp give 0 and infinity, no subnormal numbers, and pass NaN on", () => {
    expect([expf(-87.34), expf(-1e30), expf(-Infinity)]).toEqual([0, 0, 0]);
    expect(expf(-87.3365)).toBeGreaterThan(1.17e-38);
    expect([expf(88.73), expf(Infinity), expf(Number.NaN)]).toEqual([Infinity, Infinity, Number.NaN]);
    expect([exp(-708.4), exp(-1e300), exp(-Infinity)]).toEqual([0, 0, 0]);
    expect([exp(709.79), exp(Infinity), exp(Number.NaN)]).toEqual([Infinity, Infinity, Number.NaN]);
    expect([expf(0), exp(0), expf(-0), exp(-0)]).toEqual([1, 1, 1, 1]);
  });

  it("log gives −∞ at 0, NaN below, ∞ at ∞", () => {
    expect([log(0), log(-1), log(Number.NaN), log(Infinity), log(1)]).toEqual([
      -Infinity,
      Number.NaN,
      Number.NaN,
      Infinity,
      0,
    ]);
  });
});

it("expf gives floats: nothing is left to round", () => {
  for (let x = -87; x < 88; x += 0.37) expect(Math.fround(expf(Math.fround(x)))).toBe(expf(Math.fround(x)));
});

it("gives the same bits everywhere: a checksum over 24,000 results", () => {
  const word = new DataView(new ArrayBuffer(8));
  let hash = 0x811c9dc5; // FNV-1a over 32-bit words
  const add = (value: number) => {
    word.setFloat64(0, value);
    for (const half of [0, 4]) hash = Math.imul(hash ^ word.getUint32(half), 0x01000193) >>> 0;
  };
  for (let i = 1; i <= 4000; i++) {
    const x = (i * 177.1) / 1024;
    for (const value of [expf(Math.fround(x - 600)), exp(x - 350), log(x), pow(x, -0.7), sin(x * 150), cos(x * 150)])
      add(value);
  }
  expect(hash).toBe(3845189241);
});
