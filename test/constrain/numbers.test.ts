// Bounds of numbers, digit by digit.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { from, schema, takes, write } from "./harness.ts";

const value = fc.oneof(
  fc.integer({ min: -200, max: 200 }),
  fc
    .tuple(fc.integer({ min: -2_000_000, max: 2_000_000 }), fc.nat(7))
    .map(([digits, places]) => Number(`${digits}e-${places}`)),
  fc.constantFrom(0, 1, -1, 0.1, 1e-7, -1e-7, 99, 100, 9.99, 10, 1e14, -1e14, 5e-324, 123456.789),
);
const plain = (value: number): boolean => !/e/.test(String(value));
const near = (value: number) =>
  fc.oneof(
    fc.constant(value),
    fc.constantFrom(0.1, -0.1, 1, -1, 1e-7, 0.01).map((by) => Number((value + by).toPrecision(12))),
  );

describe("a number within bounds", () => {
  it("is taken exactly when it is within them", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
        value.chain((bound) => fc.tuple(fc.constant(bound), fc.oneof(value, near(bound)))),
        (keyword, [bound, found]) => {
          fc.pre(plain(found));
          const holds = {
            minimum: found >= bound,
            exclusiveMinimum: found > bound,
            maximum: found <= bound,
            exclusiveMaximum: found < bound,
          }[keyword];
          expect([found, takes(schema({ type: "number", [keyword]: bound }), JSON.stringify(found))]).toEqual([
            found,
            holds,
          ]);
          const isInteger = Number.isInteger(found);
          const integer = schema({ type: "integer", [keyword]: bound });
          expect([found, takes(integer, JSON.stringify(found))]).toEqual([found, holds && isInteger]);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("is what is written", () => {
    fc.assert(
      fc.property(value, fc.nat(1000), fc.boolean(), fc.infiniteStream(fc.nat()), (low, span, isExclusive, numbers) => {
        const high = low + span + 1;
        const bounds = isExclusive
          ? { exclusiveMinimum: low, exclusiveMaximum: high }
          : { minimum: low, maximum: high };
        // Numbers are written in at most 15 digits: between neighbours of so many there is none, which is refused.
        fc.pre(!isExclusive || high - low > Math.max(1e-6, 1e-13 * Math.max(Math.abs(low), Math.abs(high))));
        const found = JSON.parse(write(schema({ type: "number", ...bounds }), from(numbers)) as string);
        expect(
          isExclusive ? low < found && found < high : low <= found && found <= high,
          `${low} ${found} ${high}`,
        ).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("may be next to a bound of more digits than are written", () => {
    const above = schema({ type: "number", minimum: 1e-20, maximum: 0.1 + 0.2 }); // 0.30000000000000004
    const taken = ["0.00000000000001", "0.3", "0.30000000000000"];
    const refused = ["0", "0.0", "0.00000000000000", "0.30000000000001", "-0.1"];
    expect(taken.map((text) => [text, takes(above, text)])).toEqual(taken.map((text) => [text, true]));
    expect(refused.map((text) => [text, takes(above, text)])).toEqual(refused.map((text) => [text, false]));
  });

  it("knows multiples", () => {
    for (const multipleOf of [1, 2, 7, 64, 1000]) {
      for (let found = -1100; found <= 1100; found += 11) {
        const isMultiple = found % multipleOf === 0;
        expect([found, takes(schema({ type: "integer", multipleOf }), String(found))]).toEqual([found, isMultiple]);
      }
    }
  });

  it("may be what both bounds say, however many digits that has", () => {
    for (const bound of [0.123456789012345, 0.30000000000000004, 1e-20, -123.45678901234567, 5e-324]) {
      const request = schema({ type: "number", minimum: bound, maximum: bound });
      expect([bound, takes(request, String(bound))]).toEqual([bound, true]);
      expect([bound, write(request, () => 0)]).toEqual([bound, String(bound)]);
      expect(() => takes(schema({ type: "number", minimum: bound, exclusiveMaximum: bound }), "")).toThrow(
        "found none",
      );
    }
  });

  it("may be a multiple of a large number where few lie between the bounds", () => {
    const request = schema({ type: "integer", multipleOf: 3600, minimum: -3600, exclusiveMaximum: 86_400 });
    const taken = [-3600, 0, 3600, 82_800];
    expect(taken.filter((found) => takes(request, String(found)))).toEqual(taken);
    expect([-7200, 1, 3601, 86_400].filter((found) => takes(request, String(found)))).toEqual([]);
    expect(() => takes(schema({ type: "integer", multipleOf: 3600 }), "0")).toThrow(
      "schema.multipleOf: expected an integer from 1 to 1000, or a larger one of which at most 1000 multiples lie within " +
        "minimum and maximum, found 3600.",
    );
  });

  it.each(["01", "-0", "+1", "1.", ".5", "1e5", "1e", "0x10", "1_000", " 1", "-", "", "NaN", "1234567890123456"])(
    "is not written as %j where an integer is asked for",
    (text) => {
      expect(takes(schema({ type: "integer" }), text)).toBe(false);
    },
  );

  it.each(["0", "-0", "-1.5", "1e5", "1E-7", "123456789012345.123456789012345", "0.000001"])("may be %s", (text) => {
    expect(takes(schema({ type: "number" }), text)).toBe(true);
  });

  it("never is so large that it becomes infinite", () => {
    expect(takes(schema({ type: "number" }), "1e99")).toBe(true);
    expect(takes(schema({ type: "number" }), "1e100")).toBe(false);
  });
});
