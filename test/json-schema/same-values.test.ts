// When two values count as one in a schema.
import fc from "fast-check";
import { expect, it } from "vitest";
import { isSame, type Json, sameness } from "../../src/json-schema/keywords.ts";

const nothing = (): void => {};

it("are those that are written alike once their names are sorted", () => {
  const few = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, 0, -0, 1, "", "a", "0"),
      fc.array(tie("json"), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom("a", "b", "__proto__"), tie("json"), { maxKeys: 2 }),
    ),
  })).json as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(few, few, (one, two) => {
      expect(isSame(one, two, nothing)).toBe(sameness(one) === sameness(two));
    }),
    { numRuns: 2000 },
  );
});

it("are found so without looking at what they share", () => {
  let shared: Json = { a: 1 };
  for (let i = 0; i < 60; i++) shared = { a: shared, b: shared };
  let pairs = 0;
  const visit = (): void => {
    pairs++;
  };
  expect(isSame({ x: shared, y: 1 }, { y: 1, x: shared }, visit)).toBe(true);
  expect(isSame({ x: shared, y: 1 }, { y: 2, x: shared }, visit)).toBe(false);
  expect(pairs).toBeLessThan(5);
});
