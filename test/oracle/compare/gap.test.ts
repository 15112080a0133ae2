import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGapMeter, measureGap } from "../../../src/oracle/compare/gap.ts";

const [INF, NAN] = [Number.POSITIVE_INFINITY, Number.NaN];
const finite = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 });

describe("a gap", () => {
  it("tells the largest differences and where they are", () => {
    // numpy: a = [1, 2.5, -4, 0.1], e = [1, 2, -5, 0.05]
    const gap = measureGap([1, 2.5, -4, 0.1], [1, 2, -5, 0.05]);
    expect(gap).toMatchObject({ count: 4, maxAbs: 1, maxAbsIndex: 2, maxRel: 1, maxRelIndex: 3, largest: 5 });
    // numpy.linalg.norm(a - e) / numpy.linalg.norm(e), and the cosine
    expect(gap.rmsRelative).toBeCloseTo(0.204_319_654_275_450_76, 14);
    expect(gap.cosine).toBeCloseTo(0.984_403_798_199_831_1, 14);
  });

  it("counts what is beyond atol + rtol · |expected|, and names the first", () => {
    const gap = measureGap([10.9, 11.5, 0.2, 0.05], [10, 10, 0, 0], { atol: 0.1, rtol: 0.1 });
    expect(gap).toMatchObject({ mismatched: 2, mismatchedIndex: 1 });
    expect(measureGap([1, 2], [1, 2]).mismatched).toBe(0);
  });

  it("of equal numbers is nothing", () => {
    fc.assert(
      fc.property(finite, (numbers) => {
        const gap = measureGap(numbers, numbers);
        expect(gap).toMatchObject({ maxAbs: 0, maxRel: 0, rmsRelative: 0, mismatched: 0, maxAbsIndex: -1 });
        expect(gap.cosine).toBeCloseTo(1, 9);
      }),
    );
  });

  it("is the same measured at once and in pieces", () => {
    fc.assert(
      fc.property(finite, fc.nat(40), fc.float({ noNaN: true, min: -2, max: 2 }), (numbers, cut, by) => {
        const other = numbers.map((value, i) => (i % 3 === 0 ? value + by : value));
        const meter = createGapMeter({ atol: 0.5, rtol: 0 });
        meter.add(other.slice(0, cut), numbers.slice(0, cut));
        meter.add(other.slice(cut), numbers.slice(cut));
        expect(meter.result()).toEqual(measureGap(other, numbers, { atol: 0.5, rtol: 0 }));
      }),
    );
  });

  it("is infinite where a number is not one, whatever stands on the other side", () => {
    for (const [a, e] of [
      [NAN, 1],
      [1, NAN],
      [NAN, NAN],
      [INF, 1],
      [1, -INF],
      [INF, -INF],
    ]) {
      const gap = measureGap([0, a, 5], [0, e, 5], { atol: INF, rtol: 0 });
      expect(gap).toMatchObject({ maxAbs: INF, maxAbsIndex: 1, maxRel: INF, rmsRelative: INF, mismatched: 1 });
      expect(gap.cosine).toBeNaN();
      expect(gap.notFinite).toEqual({
        actual: Number.isFinite(a) ? 0 : 1,
        expected: Number.isFinite(e) ? 0 : 1,
        index: 1,
      });
    }
  });

  it("of the same infinity is nothing: masked logits are −∞ on both sides", () => {
    const gap = measureGap([-INF, 2], [-INF, 1]);
    expect(gap).toMatchObject({ maxAbs: 1, maxAbsIndex: 1, mismatched: 1, largest: 1 });
    expect(gap.notFinite).toEqual({ actual: 1, expected: 1, index: -1 });
  });

  it("has a figure for zeros, too", () => {
    expect(measureGap([0, 0], [0, 0])).toMatchObject({ cosine: 1, rmsRelative: 0, maxRel: 0 });
    expect(measureGap([1, 0], [0, 0])).toMatchObject({ cosine: 0, rmsRelative: INF, maxRel: INF, maxRelIndex: 0 });
    expect(measureGap([], [])).toMatchObject({ count: 0, cosine: 1 });
  });

  it("of different lengths is refused", () => {
    expect(() => measureGap([1], [1, 2])).toThrow("numbers: expected 2, found 1.");
  });
});
