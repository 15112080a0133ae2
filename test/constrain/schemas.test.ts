// JSON Schemas: what is taken, what is written, what is refused.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileConstraint } from "../../src/constrain/compile.ts";
import { ConstraintError } from "../../src/constrain/error.ts";
import { compile, from, schema, takes, write } from "./harness.ts";
import { samples } from "./random-schemas.ts";
import { validates } from "./validates.ts";

describe("a schema", () => {
  it("takes the JSON of a value that satisfies it", () => {
    fc.assert(
      fc.property(samples, fc.constantFrom("compact", "spaced", "indented"), (sample, style) => {
        const text = JSON.stringify(sample.value, null, style === "indented" ? 2 : undefined);
        expect(validates(sample.schema, text)).toBe(true);
        expect([text, takes(schema(sample.schema), text)]).toEqual([text, true]);
      }),
      { numRuns: 500 },
    );
  });

  it("is satisfied by whatever is drawn under it", () => {
    fc.assert(
      fc.property(samples, fc.infiniteStream(fc.nat()), (sample, numbers) => {
        const text = write(schema(sample.schema), from(numbers), 150);
        if (text !== undefined) expect([text, validates(sample.schema, text)]).toEqual([text, true]);
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, unknown, string[], string[]]>([
    ["nothing", {}, ["1", '{"a": [null, {}]}', '"\\u0000"', "[]"], ["", "tru", '{"a"}', "[1,]", "\u00001", '"\n"']],
    ["true", true, ["null", "-0.5e-3"], ["nul"]],
    ["types", { type: ["string", "null"] }, ["null", '""'], ["1", "true"]],
    ["an integer", { type: "integer" }, ["0", "-12"], ["1.0", "1e2"]],
    [
      "const",
      { const: { a: [1, "x"], b: null } },
      ['{"a": [1, "x"], "b": null}', '{"a":[1,"x"],"b":null}'],
      ['{"b":null,"a":[1,"x"]}', "{}"],
    ],
    ["enum", { enum: ["a", 1, true] }, ['"a"', "1", "true"], ['"b"', "false", "11"]],
    ["enum and type", { type: "integer", enum: ["a", 1, 1.5] }, ["1"], ['"a"', "1.5"]],
    [
      "required before optional",
      { type: "object", properties: { a: {}, b: {} }, required: ["b"] },
      ['{"b":1}', '{"a":1,"b":2}'],
      ["{}", '{"a":1}', '{"b":1,"c":2}'],
    ],
    [
      "a required name without a schema",
      { type: "object", properties: { a: { type: "null" } }, required: ["z"] },
      ['{"z":1}', '{"a":null,"z":[]}'],
      ["{}"],
    ],
    [
      "additionalProperties",
      { properties: { a: { type: "null" } }, additionalProperties: { type: "integer" } },
      ['{"a":null,"b":1}', '{"ab":1}', '{"":0,"\\"":1}'],
      ['{"a":1}', '{"\\u0061":1}', '{"b":null}'],
    ],
    [
      "names",
      { type: "object", propertyNames: { enum: ["x", "y"] }, additionalProperties: true },
      ['{"x":1}', "{}"],
      ['{"z":1}'],
    ],
    ["maxProperties", { type: "object", maxProperties: 1 }, ["{}", '{"a":1}'], ['{"a":1,"b":2}']],
    [
      "__proto__",
      { type: "object", properties: JSON.parse('{"__proto__": {"type": "integer"}}'), required: ["__proto__"] },
      ['{"__proto__":1}'],
      ["{}", '{"__proto__":"a"}'],
    ],
    [
      "prefixItems",
      { prefixItems: [{ type: "null" }], items: { type: "integer" }, maxItems: 2 },
      ["[]", "[null]", "[null,1]"],
      ["[1]", "[null,1,2]"],
    ],
    [
      "minItems",
      { type: "array", minItems: 2, items: { type: "boolean" } },
      ["[true,false]", "[true, true, true]"],
      ["[]", "[true]"],
    ],
    [
      "minLength in characters",
      { type: "string", minLength: 2, maxLength: 2 },
      ['"éé"', '"😀😀"', '"\\n\\""', '"\\u0001a"'],
      ['"é"', '"😀"', '"abc"'],
    ],
    ["pattern and length", { type: "string", pattern: "b", maxLength: 3 }, ['"b"', '"abc"'], ['"aaa"', '"aaab"']],
    ["oneOf by type", { oneOf: [{ type: "string" }, { type: "integer" }] }, ['"a"', "1"], ["null"]],
    ["$ref to a pointer with escapes", { $ref: "#/$defs/a~1b%20~0", $defs: { "a/b ~": { const: 1 } } }, ["1"], ["2"]],
    [
      "$ref beside keywords",
      { $ref: "#/$defs/a", required: ["x"], $defs: { a: { type: "object", properties: { x: { const: 1 } } } } },
      ['{"x":1}'],
      ["{}"],
    ],
    ["a list of itself", { type: "array", items: { $ref: "#" } }, ["[]", "[[],[[]]]"], ["[1]"]],
    [
      "anyOf within a type",
      { type: "object", properties: { a: {}, b: {} }, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
      ['{"a":1}', '{"b":1}', '{"a":1,"b":1}'],
      ["{}"],
    ],
    [
      "names beside properties",
      { properties: { a: {}, abcd: {} }, additionalProperties: true, propertyNames: { maxLength: 3 } },
      ['{"a":1}', "{}", '{"b":1}'],
      ['{"abcd":1}'],
    ],
    [
      "maxProperties beside properties",
      { properties: { a: {}, b: {}, c: {} }, required: ["b"], maxProperties: 2 },
      ['{"b":1}', '{"a":1,"b":1}', '{"b":1,"c":1}'],
      ['{"a":1,"b":1,"c":1}', "{}"],
    ],
    [
      "maxProperties beside properties and others",
      { properties: { a: {} }, additionalProperties: { type: "null" }, maxProperties: 2 },
      ["{}", '{"a":1,"x":null}', '{"x":null,"y":null}'],
      ['{"a":1,"x":null,"y":null}', '{"x":null,"y":null,"z":null}'],
    ],
    [
      "enum beside maxLength and pattern",
      { enum: ["a", "bb", "c", 1], maxLength: 1, pattern: "[^c]" },
      ['"a"', "1"],
      ['"bb"', '"c"'],
    ],
    [
      "enum beside bounds",
      { enum: [1, 2.5, 7, "x"], minimum: 2, exclusiveMaximum: 7, multipleOf: 2.5 },
      ["2.5", '"x"'],
      ["1", "7"],
    ],
    [
      "enum of objects and lists beside their keywords",
      {
        enum: [{ a: 1, b: "x" }, { a: 1 }, { a: 2, b: "xyz" }, [1, 2, 3], [1], null],
        required: ["b"],
        properties: { b: { maxLength: 2 } },
        maxItems: 2,
      },
      ['{"a":1,"b":"x"}', "[1]", "null"],
      ['{"a":1}', '{"a":2,"b":"xyz"}', "[1,2,3]"],
    ],
    [
      "enum beside anyOf",
      { enum: [1, 20, "a", "b"], anyOf: [{ maximum: 10, type: "number" }, { const: "b" }] },
      ["1", '"b"'],
      ["20", '"a"'],
    ],
    ["a const in two", { allOf: [{ enum: ["a", "b"] }, { enum: ["b", "c"] }] }, ['"b"'], ['"a"', '"c"']],
    [
      "one keyword in two",
      {
        type: "object",
        properties: {
          n: { allOf: [{ minimum: 1, maximum: 9 }, { type: "integer", minimum: 3, multipleOf: 2 }, { multipleOf: 3 }] },
          s: {
            type: "string",
            allOf: [{ minLength: 1, pattern: "a" }, { maxLength: 3, pattern: "b" }, { maxLength: 2 }],
          },
          l: {
            type: "array",
            allOf: [{ items: { minimum: 1 } }, { items: { type: "integer", maximum: 2 }, maxItems: 1 }],
          },
        },
      },
      ['{"n":6}', '{"s":"ab"}', '{"s":"ba"}', '{"l":[2]}', '{"l":[]}'],
      ['{"n":3}', '{"n":12}', '{"s":"aa"}', '{"s":"abb"}', '{"l":[3]}', '{"l":[1,1]}'],
    ],
    [
      "lists with first items in two",
      {
        allOf: [
          { prefixItems: [{ type: "integer" }], items: { minimum: 5 } },
          { type: "array", items: { type: "integer", maximum: 9 } },
        ],
      },
      ["[]", "[9]", "[-1,5]"],
      ["[10]", "[1,4]"],
    ],
    [
      "a property in two",
      { allOf: [{ properties: { a: { type: "integer" } } }, { properties: { a: { minimum: 5 }, b: {} } }] },
      ['{"a":5}', '{"a":7,"b":null}'],
      ['{"a":4}', '{"a":5.5}'],
    ],
    [
      "closed and extended: the other's names are closed out, too",
      {
        allOf: [
          { properties: { a: {} }, additionalProperties: false },
          { type: "object", properties: { b: {} } },
        ],
      },
      ["{}", '{"a":1}'],
      ['{"b":1}', '{"a":1,"b":1}'],
    ],
    [
      "options in two",
      {
        allOf: [
          { anyOf: [{ type: "integer" }, { type: "string" }] },
          { anyOf: [{ minimum: 3, maxLength: 1 }, { const: "long" }] },
        ],
      },
      ["3", '"a"', '"long"'],
      ["2", '"ab"', "true"],
    ],
    [
      "a reference through many",
      {
        $ref: "#/$defs/x0",
        $defs: Object.fromEntries(
          Array.from({ length: 400 }, (_, i) => [`x${i}`, i === 399 ? { const: 1 } : { $ref: `#/$defs/x${i + 1}` }]),
        ),
      },
      ["1"],
      ["2"],
    ],
    ["allOf of types", { allOf: [{ type: ["string", "null"] }, { type: ["null", "integer"] }] }, ["null"], ['""', "1"]],
  ])("with %s", (_, stated, taken, refused) => {
    for (const text of taken) expect([text, validates(stated, text)]).toEqual([text, true]);
    expect(taken.map((text) => [text, takes(schema(stated), text)])).toEqual(taken.map((text) => [text, true]));
    expect(refused.map((text) => [text, takes(schema(stated), text)])).toEqual(refused.map((text) => [text, false]));
  });

  const nest = (depth: number, wrap: (inner: unknown) => unknown): unknown =>
    Array.from({ length: depth }).reduce<unknown>((inner) => wrap(inner), { type: "null" });

  it.each<[string, unknown, string]>([
    [
      "not",
      { properties: { a: { not: {} } } },
      "schema.properties.a.not: expected keywords that output can be held to (type, ",
    ],
    ["uniqueItems", { type: "array", items: { uniqueItems: true } }, "schema.items.uniqueItems: "],
    ["if", { if: {} }, 'found "if". Use anyOf with the two cases written out.'],
    ["contains", { contains: {} }, "schema.contains: "],
    ["patternProperties", { patternProperties: {} }, "Use propertyNames with a pattern"],
    ["dependentRequired", { dependentRequired: {} }, "schema.dependentRequired: "],
    ["minProperties", { minProperties: 1 }, "schema.minProperties: "],
    ["an unknown keyword", { $defs: { x: { typ: "string" } }, $ref: "#/$defs/x" }, "schema.$defs.x.typ: "],
    [
      "multipleOf 0.1",
      { type: "number", multipleOf: 0.1 },
      "schema.multipleOf: expected an integer from 1 to 1000, or a larger one of which at most 1000 multiples lie",
    ],
    [
      "a format",
      { format: "hostname" },
      'schema.format: expected one of date, time, date-time, uuid, ipv4, email, found "hostname". Use pattern.',
    ],
    [
      "a type",
      { type: "strin" },
      'schema.type: expected string, number, integer, boolean, null, object, array, or a list of them, found "strin".',
    ],
    ["minLength", { minLength: -1 }, "schema.minLength: expected an integer from 0 to 65536, found -1."],
    [
      "exclusiveMinimum true",
      { minimum: 1, exclusiveMinimum: true },
      "schema.exclusiveMinimum: expected a number, found true.",
    ],
    ["a list of items", { items: [{}] }, "schema.items: expected one schema, found [{}]. Use prefixItems"],
    [
      "a schema that is none",
      { properties: { "a b": 3 } },
      'schema.properties["a b"]: expected a schema (an object, true or false), found 3.',
    ],
    [
      "$ref elsewhere",
      { $ref: "https://example.org/schema.json" },
      'schema.$ref: expected a pointer within the same schema, such as "#/$defs/item", found ',
    ],
    ["$ref to nothing", { $ref: "#/$defs/x" }, 'schema.$ref: expected a schema at "#/$defs/x", found nothing there.'],
    ["$ref to a property of every object", { $ref: "#/toString" }, "found nothing there."],
    ["$ref to itself", { $ref: "#" }, "schema: expected one that some text of finite length satisfies, found none."],
    [
      "two that lead to each other",
      {
        anyOf: [{ $ref: "#/$defs/a" }, { type: "null" }],
        $defs: {
          a: { anyOf: [{ $ref: "#/$defs/b" }, { type: "null" }] },
          b: { anyOf: [{ $ref: "#/$defs/a" }, { type: "null" }] },
        },
      },
      "expected every $ref to lead to a value, found one that leads back to itself",
    ],
    [
      "allOf in a circle",
      { $defs: { a: { allOf: [{ $ref: "#/$defs/a" }], type: "null" } }, $ref: "#/$defs/a" },
      "expected at most 256 schemas joined by $ref and allOf, found more, or a circle.",
    ],
    [
      "anyOf in a circle, with a type",
      { $defs: { a: { type: "null", anyOf: [{ $ref: "#/$defs/a" }] } }, $ref: "#/$defs/a" },
      "expected one that some text of finite length satisfies",
    ],
    [
      "endless need",
      { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] },
      "schema: expected one that some text of finite length satisfies, found none.",
    ],
    ["false", false, "expected one that some text of finite length satisfies"],
    [
      "minItems above maxItems",
      { type: "array", minItems: 3, maxItems: 2 },
      "expected one that some text of finite length satisfies",
    ],
    [
      "minimum above maximum",
      { type: "number", minimum: 3, maximum: 2 },
      "expected one that some text of finite length satisfies",
    ],
    [
      "an integer between",
      { type: "integer", exclusiveMinimum: 2, exclusiveMaximum: 3 },
      "expected one that some text of finite length satisfies",
    ],
    ["an empty enum", { enum: [] }, "expected one that some text of finite length satisfies"],
    [
      "a contradiction",
      { allOf: [{ type: "string" }, { type: "null" }] },
      "expected one that some text of finite length satisfies",
    ],
    [
      "oneOf that may both hold",
      { oneOf: [{ type: "integer" }, { type: "number" }] },
      "schema.oneOf: expected schemas that no value can satisfy together",
    ],
    [
      "oneOf that tells by a property that may be missing",
      { type: "object", oneOf: ["a", "b"].map((kind) => ({ properties: { kind: { const: kind } } })) },
      "found that [0] and [1] may both hold. Use anyOf.",
    ],
    [
      "oneOf of untold types",
      { oneOf: [{ minLength: 1 }, { minimum: 1 }] },
      "found that [0] and [1] may both hold. Use anyOf.",
    ],
    [
      "many optional lists",
      nest(4, (inner) => ({ type: "array", items: inner, minItems: 10_001 })),
      "minItems: expected an integer from 0 to 10000",
    ],
    [
      "too much of it",
      { enum: Array.from({ length: 60 }, (_, i) => `${i}${"x".repeat(20_000)}`) },
      "schema: expected at most 1000000 characters",
    ],
    [
      "a pattern that is too large",
      { type: "string", pattern: "(a|b)*a(a|b){20}" },
      "schema.pattern: expected an automaton of at most 20000 states",
    ],
    [
      "too many states",
      { type: "array", prefixItems: Array.from({ length: 40 }, (_, i) => ({ type: "string", maxLength: 60_000 + i })) },
      "schema: expected a grammar of at most 262144 states",
    ],
    [
      "depth beyond reason",
      nest(300, (inner) => ({ type: "array", items: inner })),
      "expected schemas nested at most 128 deep",
    ],
  ])("is refused by name within seconds: %s", (_, stated, message) => {
    const begin = performance.now();
    let error: unknown;
    try {
      compile(schema(stated));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConstraintError);
    expect((error as Error).message).toContain(message);
    expect(performance.now() - begin).toBeLessThan(5_000); // the largest takes 0.3 s of an idle machine
  });

  it("that is no JSON is refused", () => {
    const circle: Record<string, unknown> = {};
    circle.properties = { circle };
    expect(() => compile(schema("{}"))).toThrow('schema: expected a schema (an object, true or false), found "{}".');
    for (const stated of [undefined, () => {}, { minimum: 1n }]) {
      expect(() => compileFresh(stated)).toThrow(ConstraintError);
    }
    expect(() => compileFresh(circle)).toThrow("schema: expected JSON, found ");
    const deep = nest(100_000, (inner) => ({ items: inner }));
    expect(() => compileFresh(deep)).toThrow("schema: expected JSON, found nesting that is too deep.");
  });
});

/** JSON.stringify, which the harness keys with, cannot take these. */
function compileFresh(stated: unknown): void {
  compileConstraint({
    responseFormat: { type: "json_schema", schema: stated },
    callMarkers: undefined,
    thought: undefined,
  });
}
