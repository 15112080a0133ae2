import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatError,
  formatPercent,
  formatRanges,
  shortest,
  threeDigits,
} from "../src/quantities.ts";

describe("numbers as people read them", () => {
  it("have three digits, in columns also those that are zero", () => {
    expect([1234.5, 105.2, 46, 0.03117, 0].map(threeDigits)).toEqual(["1235", "105", "46.0", "0.0312", "0"]);
    expect([999, 6_664_960, 5_120_000_000].map(formatBytes)).toEqual(["999 B", "6.66 MB", "5.12 GB"]);
    expect([12, 8_339_930_560].map(formatCount)).toEqual(["12", "8.34 B"]);
    expect([349.6, 1250].map(formatDuration)).toEqual(["350 ms", "1.25 s"]);
  });

  it("are 100 % only when nothing is missing", () => {
    expect([formatPercent(999, 1000), formatPercent(1000, 1000), formatPercent(29, 100)]).toEqual([
      "99 %",
      "100 %",
      "29 %",
    ]);
    expect(formatPercent(0.9996, 1, 1)).toBe("99.9 %");
  });

  it("have an exponent where they would have many zeros, if they are errors", () => {
    const errors = [0, 0.5, 0.001, 0.000_999, 1.7e-5, 1e-6, 123_456, 1e6, -2e-4, Infinity, -Infinity, NaN];
    expect(errors.map((value) => formatError(value))).toEqual([
      "0",
      "0.5",
      "0.001",
      "1e-3",
      "1.7e-5",
      "1e-6",
      "120000",
      "1e+6",
      "-2e-4",
      "inf",
      "-inf",
      "NaN",
    ]);
    expect(formatError(1.2345e-5, 4)).toBe("1.234e-5");
    expect([12.3456, 46, 0.001_234].map((value) => shortest(value, 3))).toEqual(["12.3", "46", "0.00123"]);
  });

  it("are joined where three or more follow one another", () => {
    expect([[2, 6, 10], [0, 1, 2, 5], [3, 4], []].map(formatRanges)).toEqual(["2, 6, 10", "0–2, 5", "3, 4", ""]);
  });
});
