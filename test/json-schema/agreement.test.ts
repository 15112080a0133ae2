// The two readers of schemas, the grammar of what one allows and the check of what was written, beside ajv.
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mismatches } from "../../src/chat/calls/schema-check.ts";
import { type Json, type Schema, SUPPORTED } from "../../src/json-schema/keywords.ts";
import { schema, takes } from "../constrain/harness.ts";
import { type Sample, samples } from "../constrain/random-schemas.ts";

const ajv = new Ajv2020({ strict: false, ownProperties: true, validateFormats: false });

const passes = ({ schema, value }: Sample): boolean => mismatches(value as Json, schema as Schema).length === 0;
const admits = (sample: Sample): boolean => takes(schema(sample.schema), JSON.stringify(sample.value));

/** Of a pattern only ajv and the grammar know, and a format is a note to ajv. */
const isWhollyChecked = ({ schema }: Sample): boolean => !/"(?:pattern|format)":/.test(JSON.stringify(schema));

/** A value with one place of it changed: another number, text or type, a member or an item less or more. */
function changed(value: unknown): fc.Arbitrary<unknown> {
  const leaf = fc.constantFrom<unknown>(null, true, false, 0, 7, -1, 2.5, 1e9, "", "a", "0123456789".repeat(5), [], {});
  if (Array.isArray(value) && value.length > 0) {
    return fc.nat(value.length - 1).chain((i) =>
      fc.oneof(
        leaf,
        fc.constant(value.toSpliced(i, 1)),
        fc.constant(value.toSpliced(i, 0, value[i])),
        changed(value[i]).map((item) => value.with(i, item)),
      ),
    );
  }
  if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
    const members = Object.entries(value);
    return fc.nat(members.length - 1).chain((i) =>
      fc.oneof(
        leaf,
        fc.constant(Object.fromEntries(members.toSpliced(i, 1))),
        changed(members[i][1]).map((member) => Object.fromEntries(members.with(i, [members[i][0], member]))),
      ),
    );
  }
  return leaf;
}

const pairs: fc.Arbitrary<Sample> = samples.chain(({ schema, value }) =>
  fc.oneof(
    fc.constant({ schema, value }),
    changed(value).map((other) => ({ schema, value: other })),
  ),
);

describe("a value beside a schema", () => {
  it("passes the check exactly when ajv finds it valid", () => {
    let [valid, invalid] = [0, 0];
    fc.assert(
      fc.property(pairs.filter(isWhollyChecked), (pair) => {
        const isValid = ajv.validate(pair.schema as object, pair.value);
        expect([pair, passes(pair)]).toEqual([pair, isValid]);
        if (isValid) valid++;
        else invalid++;
      }),
      { numRuns: 400, seed: 12 },
    );
    expect(Math.min(valid, invalid)).toBeGreaterThan(100);
  });

  it("passes the check if the grammar admits its text, and only then where no name is free", () => {
    let [admitted, refused] = [0, 0];
    fc.assert(
      fc.property(pairs, (pair) => {
        if (admits(pair)) {
          admitted++;
          expect([pair, mismatches(pair.value as Json, pair.schema as Schema)]).toEqual([pair, []]);
        } else if (isWhollyChecked(pair)) {
          refused++;
          expect([pair, passes(pair)]).toEqual([pair, false]);
        }
      }),
      { numRuns: 250, seed: 12 },
    );
    expect(Math.min(admitted, refused)).toBeGreaterThan(50);
  });
});

/** For each keyword a schema, a value that it allows, and one that it alone forbids. */
const told: Readonly<Record<string, readonly [schema: Schema, allowed: Json, forbidden: Json]>> = {
  type: [{ type: "integer" }, 2, 2.5],
  enum: [{ enum: [{ a: 1, b: 2 }, "x"] }, { a: 1, b: 2 }, "y"],
  const: [{ const: [1] }, [1], [2]],
  anyOf: [{ anyOf: [{ type: "null" }, { type: "boolean" }] }, true, 0],
  oneOf: [{ oneOf: [{ type: "null" }, { type: "boolean" }] }, null, 0],
  allOf: [{ allOf: [{ type: "integer" }, { minimum: 2 }] }, 2, 1],
  $ref: [{ $defs: { "a/b": { type: "string" } }, $ref: "#/$defs/a~1b" }, "x", 1],
  properties: [{ type: "object", properties: { a: { type: "string" } }, required: ["a"] }, { a: "x" }, { a: 1 }],
  required: [{ type: "object", properties: { a: {} }, required: ["a"] }, { a: 1 }, {}],
  additionalProperties: [{ type: "object", additionalProperties: { type: "null" } }, { a: null }, { a: 1 }],
  propertyNames: [{ type: "object", propertyNames: { maxLength: 2 } }, { ab: 1 }, { abc: 1 }],
  maxProperties: [{ type: "object", maxProperties: 1 }, { a: 1 }, { a: 1, b: 2 }],
  items: [{ type: "array", items: { type: "null" } }, [null], [1]],
  prefixItems: [{ type: "array", prefixItems: [{ type: "null" }, {}] }, [null, 1], [1, 1]],
  minItems: [{ type: "array", minItems: 1 }, [1], []],
  maxItems: [{ type: "array", maxItems: 1 }, [1], [1, 2]],
  minLength: [{ type: "string", minLength: 2 }, "😀😀", "😀"],
  maxLength: [{ type: "string", maxLength: 1 }, "😀", "ab"],
  minimum: [{ type: "number", minimum: 1 }, 1, 0.5],
  maximum: [{ type: "number", maximum: 1 }, 1, 1.5],
  exclusiveMinimum: [{ type: "number", exclusiveMinimum: 1 }, 1.5, 1],
  exclusiveMaximum: [{ type: "number", exclusiveMaximum: 1 }, 0.5, 1],
  multipleOf: [{ type: "integer", multipleOf: 5 }, -10, 12],
};

describe("a keyword that is understood", () => {
  it("is one of these, or one that only the grammar reads", () => {
    expect([...Object.keys(told), "pattern", "format"].sort()).toEqual([...SUPPORTED].sort());
  });

  it.each(Object.entries(told))("is read alike by both: %s", (_, [stated, allowed, forbidden]) => {
    for (const [value, isAllowed] of [
      [allowed, true],
      [forbidden, false],
    ] as const) {
      const sample = { schema: stated, value };
      expect([value, passes(sample), admits(sample), ajv.validate(stated, value)]).toEqual([
        value,
        isAllowed,
        isAllowed,
        isAllowed,
      ]);
    }
  });

  it("takes members in another order for the same value, in the check", () => {
    const stated: Schema = { enum: [{ a: 1, b: [2] }] };
    for (const value of [
      { b: [2], a: 1 },
      { b: [3], a: 1 },
    ]) {
      expect(passes({ schema: stated, value })).toBe(ajv.validate(stated, value));
    }
  });
});
