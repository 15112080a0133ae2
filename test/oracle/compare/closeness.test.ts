// What torch.testing.assert_close of torch 2.13.0 says of the same tensors, to four digits.
import { describe, expect, it } from "vitest";
import { describeGap, FLOAT32_TOLERANCE } from "../../../src/oracle/compare/closeness.ts";
import { measureGap } from "../../../src/oracle/compare/gap.ts";
import { formatError } from "../../../src/quantities.ts";

const thousand = Array.from({ length: 1000 }, (_, i) => i);
const moved = thousand.map((value) => value + (value === 7 ? 0.0625 : value === 300 ? -0.001953125 : 0));

const cases: [
  what: string,
  actual: number[],
  expected: number[],
  shape: number[],
  atol: number,
  rtol: number,
  torch: string,
][] = [
  [
    "two of six in a matrix",
    [1, 2, 3.5, 4, 5, 6],
    [1, 2, 3, 4, 5.25, 6],
    [2, 3],
    1e-5,
    1.3e-6,
    "Mismatched elements: 2 / 6 (33.3%)\nGreatest absolute difference: 0.5 at index (0, 2) (up to 1e-05 allowed)\nGreatest relative difference: 0.1666666716337204 at index (0, 2) (up to 1.3e-06 allowed)",
  ],
  [
    "something where zero was expected",
    [1, 2, 0.5, 4],
    [1, 2, 0, 4],
    [4],
    1e-5,
    1.3e-6,
    "Mismatched elements: 1 / 4 (25.0%)\nGreatest absolute difference: 0.5 at index (2,) (up to 1e-05 allowed)\nGreatest relative difference: inf at index (2,) (up to 1.3e-06 allowed)",
  ],
  [
    "two of a thousand",
    thousand,
    moved,
    [1000],
    1e-5,
    1.3e-6,
    "Mismatched elements: 2 / 1000 (0.2%)\nGreatest absolute difference: 0.0625 at index (7,) (up to 1e-05 allowed)\nGreatest relative difference: 0.008849557489156723 at index (7,) (up to 1.3e-06 allowed)",
  ],
  [
    "all, with wide tolerances",
    [1, 2],
    [1.5, 2.5],
    [2],
    0.1,
    0.1,
    "Mismatched elements: 2 / 2 (100.0%)\nGreatest absolute difference: 0.5 at index (0,) (up to 0.1 allowed)\nGreatest relative difference: 0.3333333432674408 at index (0,) (up to 0.1 allowed)",
  ],
  [
    "the inside of three axes",
    [1, 2, 3, 4, 5, 6, 7, 8],
    [1, 2, 3, 4, 5, 6.5, 7, 8],
    [2, 2, 2],
    1e-5,
    1.3e-6,
    "Mismatched elements: 1 / 8 (12.5%)\nGreatest absolute difference: 0.5 at index (1, 0, 1) (up to 1e-05 allowed)\nGreatest relative difference: 0.07692307978868484 at index (1, 0, 1) (up to 1.3e-06 allowed)",
  ],
];

/** Numbers of Python in four digits, as ours are. */
const shortened = (text: string): string =>
  text.replace(/(?<=difference: |up to )[\d.e-]+/g, (number) => formatError(Number(number), 4));

describe("a gap in words", () => {
  it.each(cases)("is torch's: %s", (_, actual, expected, shape, atol, rtol, torch) => {
    const tolerance = { atol, rtol };
    const lines = describeGap(
      measureGap(Float32Array.from(actual), Float32Array.from(expected), tolerance),
      shape,
      tolerance,
    );
    expect(lines.join("\n")).toBe(shortened(torch));
  });

  it("tells where numbers stop being numbers", () => {
    const gap = measureGap([1, Number.NaN, 3], [1, 2, 3], FLOAT32_TOLERANCE);
    expect(describeGap(gap, [3], FLOAT32_TOLERANCE).at(-1)).toBe(
      "NaN or infinite: 1 found, 0 expected, first apart at index (1,)",
    );
  });

  it("never calls some none, nor nearly all all", () => {
    const many = new Float32Array(100_000);
    const one = measureGap(Float32Array.of(1, ...many.subarray(1)), many, FLOAT32_TOLERANCE);
    expect(describeGap(one, [100_000], FLOAT32_TOLERANCE)[0]).toBe("Mismatched elements: 1 / 100000 (0.1%)");
    const rest = measureGap(
      Float32Array.of(0, ...many.subarray(1).fill(1)),
      new Float32Array(100_000),
      FLOAT32_TOLERANCE,
    );
    expect(describeGap(rest, [100_000], FLOAT32_TOLERANCE)[0]).toBe("Mismatched elements: 99999 / 100000 (99.9%)");
  });
});
