// Random schemas within what is supported, each with a value that satisfies it.
import fc from "fast-check";

export interface Sample {
  readonly schema: unknown;
  readonly value: unknown;
}

const text = fc.string({ unit: "grapheme", maxLength: 6 }).filter((found) => !/\p{Cs}/u.test(found));
const name = fc.oneof(
  fc.constantFrom("id", "name", "size", "tags", "kind", "a b", 'say "so"', "größe", "toString"),
  fc.stringMatching(/^[a-z]{1,6}$/),
);

/** Patterns, each with words that it matches somewhere. */
const PATTERNS: readonly (readonly [string, readonly string[]])[] = [
  ["^[a-z]{2,8}$", ["ab", "abcdefgh"]],
  ["^\\d{3}-\\d{4}$", ["555-0199"]],
  ["^(yes|no|maybe)$", ["yes", "maybe"]],
  ["^[A-Z][a-z]*( [A-Z][a-z]*){0,2}$", ["A", "Ann Lee"]],
  ["^#[0-9a-fA-F]{6}$", ["#00ffAA"]],
  ["^[^\\s]{1,5}$", ["é-1", '"\\/"']],
  ["^.{1,9}$", ["x", "日本 語!"]],
];

const FORMATS: readonly (readonly [string, string])[] = [
  ["date", "2024-02-29"],
  ["time", "23:59:59.5Z"],
  ["date-time", "1999-12-31T00:00:00+01:30"],
  ["uuid", "123e4567-e89b-12d3-a456-426614174000"],
  ["ipv4", "192.168.0.255"],
  ["email", "ann.lee+x@mail.example.org"],
];

const string: fc.Arbitrary<Sample> = fc.oneof(
  text.map((value) => ({ schema: { type: "string", description: "free" }, value })),
  fc.tuple(text, fc.nat(4), fc.nat(30)).map(([value, less, more]) => ({
    schema: { type: "string", minLength: Math.max(0, [...value].length - less), maxLength: [...value].length + more },
    value,
  })),
  fc
    .constantFrom(...PATTERNS)
    .chain(([pattern, words]) =>
      fc.constantFrom(...words).map((value) => ({ schema: { type: "string", pattern }, value })),
    ),
  fc
    .constantFrom(...PATTERNS)
    .chain(([pattern, words]) =>
      fc.constantFrom(...words).map((value) => ({ schema: { pattern, type: "string", maxLength: 40 }, value })),
    ),
  fc.constantFrom(...FORMATS).map(([format, value]) => ({ schema: { type: "string", format }, value })),
);

const bound = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc
    .tuple(fc.integer({ min: -99999, max: 99999 }), fc.nat(4))
    .map(([digits, places]) => Number(`${digits}e-${places}`)),
);

const number: fc.Arbitrary<Sample> = fc.oneof(
  fc.integer({ min: -(10 ** 12), max: 10 ** 12 }).map((value) => ({ schema: { type: "integer" }, value })),
  bound.map((value) => ({ schema: { type: "number" }, value })),
  fc.tuple(bound, fc.nat(50), fc.nat(50), fc.boolean()).map(([value, less, more, isExclusive]) => ({
    schema: isExclusive
      ? { type: "number", exclusiveMinimum: value - less - 1, exclusiveMaximum: value + more + 1 }
      : { type: "number", minimum: value - less, maximum: value + more },
    value,
  })),
  fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.nat(50), fc.nat(50)).map(([value, less, more]) => ({
    schema: { type: "integer", minimum: value - less - 0.5, exclusiveMaximum: value + more + 0.5 },
    value,
  })),
  fc.tuple(fc.integer({ min: -100, max: 100 }), fc.integer({ min: 1, max: 60 })).map(([times, multipleOf]) => ({
    schema: { type: "integer", multipleOf },
    value: times * multipleOf + 0, // not −0
  })),
);

const simple: fc.Arbitrary<Sample> = fc.oneof(
  string,
  number,
  fc.boolean().map((value) => ({ schema: { type: "boolean" }, value })),
  fc.constant({ schema: { type: "null" }, value: null }),
);

const listed: fc.Arbitrary<Sample> = fc
  .array(fc.oneof(text, fc.integer({ min: -50, max: 50 }), fc.boolean(), fc.constant(null)), {
    minLength: 1,
    maxLength: 6,
  })
  .chain((values) =>
    fc
      .constantFrom(...values)
      .chain((value) =>
        fc.constantFrom({ schema: { enum: values }, value }, { schema: { const: value, title: "only" }, value }),
      ),
  );

function nested(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  const members = fc.uniqueArray(fc.tuple(name, inner, fc.boolean(), fc.boolean()), {
    maxLength: 5,
    selector: ([name]) => name,
  });
  return fc.oneof(
    fc.tuple(inner, fc.nat(3), fc.nat(3), fc.nat(2)).map(([{ schema, value }, count, less, more]) => ({
      schema: { type: "array", items: schema, minItems: Math.max(0, count - less), maxItems: count + more },
      value: Array.from({ length: count }, () => value),
    })),
    fc.array(inner, { minLength: 1, maxLength: 3 }).map((items) => ({
      schema: { type: "array", prefixItems: items.map(({ schema }) => schema), minItems: items.length, items: false },
      value: items.map(({ value }) => value),
    })),
    members.chain((found) =>
      fc.constantFrom(undefined, false).map((additionalProperties) => ({
        schema: {
          type: "object",
          properties: record(found.map(([name, { schema }]) => [name, schema])),
          required: found.filter(([, , isRequired]) => isRequired).map(([name]) => name),
          ...(additionalProperties === undefined ? {} : { additionalProperties }),
        },
        value: inOrder(
          found.filter(([, , isRequired, isThere]) => isRequired || isThere).map(([name, { value }]) => [name, value]),
          found.map(([name]) => name),
        ),
      })),
    ),
    fc
      .tuple(inner, fc.uniqueArray(name, { maxLength: 2 }), fc.constantFrom(2, 3, undefined))
      .map(([{ schema, value }, names, maxProperties]) => ({
        schema: { type: "object", additionalProperties: schema, propertyNames: { maxLength: 12 }, maxProperties },
        value: record(names.map((name) => [name, value])),
      })),
    fc.array(inner, { minLength: 1, maxLength: 3 }).map((options) => ({
      schema: { anyOf: options.map(({ schema }) => schema) },
      value: options[options.length - 1].value,
    })),
    fc.tuple(inner, inner).map(([a, b]) => ({
      schema: {
        type: "object",
        oneOf: [
          { properties: { kind: { const: "a" }, value: a.schema }, required: ["kind", "value"] },
          { properties: { kind: { const: "b" }, value: b.schema }, required: ["kind"] },
        ],
      },
      value: { kind: "b", value: b.value },
    })),
    fc.tuple(inner, inner).map(([a, b]) => ({
      schema: {
        allOf: [
          { type: "object", properties: { one: a.schema }, required: ["one"] },
          { properties: { two: b.schema }, required: ["two"] },
        ],
      },
      value: { one: a.value, two: b.value },
    })),
  );
}

const depth2 = nested(fc.oneof(simple, listed));
const depth3 = nested(fc.oneof({ weight: 2, arbitrary: fc.oneof(simple, listed) }, { weight: 1, arbitrary: depth2 }));

/** A list of a tree: `$ref` that leads back to where it is. */
const tree: fc.Arbitrary<Sample> = fc.oneof(simple, listed).map(({ schema, value }) => ({
  schema: {
    $defs: {
      node: {
        type: "object",
        properties: { label: schema, children: { type: "array", items: { $ref: "#/$defs/node" }, maxItems: 2 } },
        required: ["label"],
      },
    },
    $ref: "#/$defs/node",
  },
  value: { label: value, children: [{ label: value }, { label: value, children: [] }] },
}));

/** What schemas look like in use: mostly objects. */
export const samples: fc.Arbitrary<Sample> = fc
  .oneof(
    { weight: 2, arbitrary: fc.oneof(simple, listed) },
    { weight: 9, arbitrary: depth3 },
    { weight: 1, arbitrary: tree },
  )
  .map(({ schema, value }) => ({ schema: JSON.parse(JSON.stringify(schema)), value }));

/** `__proto__` is a name like any other. */
function record(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const [name, value] of entries) {
    Object.defineProperty(made, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return made;
}

/** In the order of the schema's properties. */
function inOrder(entries: readonly (readonly [string, unknown])[], order: readonly string[]): Record<string, unknown> {
  return record([...entries].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)));
}
