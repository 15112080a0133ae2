// Patterns, schemas, choices and tools that are large, deep, circular or ambiguous, written by hand and at random.
import fc from "fast-check";
import type { ConstraintRequest } from "../../src/constrain/compile.ts";

export interface Hostile {
  readonly name: string;
  readonly request: Pick<ConstraintRequest, "responseFormat" | "tools" | "toolChoice">;
}

const pattern = (name: string, pattern: string): Hostile => ({
  name: `pattern: ${name}`,
  request: { responseFormat: { type: "regex", pattern } },
});
const schema = (name: string, schema: unknown): Hostile => ({
  name: `schema: ${name}`,
  request: { responseFormat: { type: "json_schema", schema } },
});
const each = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const named = (count: number, make: (i: number) => unknown): Record<string, unknown> =>
  Object.fromEntries(each(count, (i) => [`k${i}`, make(i)]));
/** `k0` to the last; each may refer to others. */
const defined = (count: number, make: (i: number, ref: (to: number) => unknown) => unknown): unknown => ({
  $ref: "#/$defs/k0",
  $defs: named(count, (i) => make(i, (to) => ({ $ref: `#/$defs/k${to % count}` }))),
});
const nested = (depth: number, wrap: (inner: unknown, i: number) => unknown): unknown =>
  each(depth, (i) => i).reduce<unknown>((inner, i) => wrap(inner, i), { type: "string" });
const list = (maxItems: number) => ({ type: "array", items: { $ref: "#/$defs/k0" }, maxItems });
const tool = (name: string, parameters: unknown) => ({ type: "function", function: { name, parameters } });

export const written: readonly Hostile[] = [
  pattern("as many optional as required", "a?".repeat(2000) + "a".repeat(2000)),
  pattern("counted twice", "a{0,1000}a{1000}"),
  pattern("more than the budget", "a?".repeat(2900) + "a".repeat(2900)),
  pattern("exponentially many states", "(a|b)*a(a|b){20}"),
  pattern("counts within counts", "((a{0,20}){0,20}){0,20}"),
  pattern("stars within stars", `${"(?:".repeat(90)}a${"|b)*".repeat(90)}c`),
  pattern("everything, everywhere", ".*.*.*.*.*.*.*.*.*.*=.*"),
  pattern("any text ten thousand times", "[^]{9999}"),
  pattern("classes with holes", `[${each(1500, (i) => String.fromCodePoint(0x100 + 3 * i)).join("")}]{1,6}`),
  pattern("negated classes that overlap", each(200, (i) => `[^${String.fromCodePoint(0x3041 + i)}]`).join("|")),
  pattern("many words", each(1400, (i) => `word${i}`).join("|")),
  pattern("many words, twice", `(?:${each(600, (i) => `w${i}`).join("|")}){2}`),
  pattern("anchors everywhere", "(?:^a|b$|^$)*c?".repeat(100)),
  pattern("nothing at all", "a^b$c"),
  schema(
    "200 alternatives of one name",
    defined(1, (_, ref) => ({
      anyOf: each(200, (i) => ({ type: "object", properties: { v: ref(0), [`k${i}`]: { type: "null" } } })),
    })),
  ),
  schema(
    "200 lists of themselves",
    defined(1, () => ({ anyOf: [...each(200, (i) => list(i + 2)), { type: "null" }] })),
  ),
  schema(
    "three lists of themselves, counted",
    defined(1, () => ({ anyOf: [50, 51, 52].map(list) })),
  ),
  schema(
    "200 alternatives of 200",
    defined(200, (i, ref) => ({ anyOf: each(200, (j) => (j === 0 ? { type: "null" } : ref(i + j))) })),
  ),
  schema(
    "200 objects of one another",
    defined(200, (i, ref) => ({ type: "object", properties: { a: ref(i + 1), b: ref(7 * i) } })),
  ),
  schema(
    "40 shared objects",
    nested(40, (inner) => ({
      anyOf: [
        { type: "object", properties: { a: inner } },
        { type: "object", properties: { b: inner } },
      ],
    })),
  ),
  schema(
    "40 shared references",
    defined(41, (i, ref) =>
      i === 40
        ? { type: "string" }
        : {
            type: "object",
            properties: {
              a: { ...(ref(i + 1) as object), type: "object" },
              b: { ...(ref(i + 1) as object), required: [] },
            },
          },
    ),
  ),
  schema(
    "40 shared options",
    defined(41, (i, ref) => (i === 40 ? {} : { anyOf: [ref(i + 1), { allOf: [ref(i + 1), { title: "x" }] }] })),
  ),
  schema(
    "allOf that doubles",
    defined(30, (i, ref) => (i === 29 ? { type: "string" } : { allOf: [ref(i + 1), ref(i + 1)] })),
  ),
  schema("options times options", {
    allOf: each(12, (i) => ({ anyOf: each(6, (j) => ({ [i % 2 === 0 ? "minLength" : "maxLength"]: 6 + i + j })) })),
  }),
  schema(
    "a chain of references",
    defined(3000, (i, ref) => (i === 2999 ? { type: "string" } : ref(i + 1))),
  ),
  schema(
    "a circle of references",
    defined(50, (i, ref) => ref(i + 1)),
  ),
  schema(
    "a circle through allOf",
    defined(3, (i, ref) => ({ type: "object", required: [`k${i}`], allOf: [ref(i + 1)] })),
  ),
  schema("5,000 properties", { type: "object", properties: named(5000, () => ({ type: "string" })) }),
  schema("5,000 properties, and others", {
    type: "object",
    properties: named(5000, () => ({})),
    additionalProperties: true,
  }),
  schema("300 properties, half of them", {
    type: "object",
    properties: named(300, () => ({ type: "null" })),
    maxProperties: 150,
  }),
  schema("3,000 properties, half of them", {
    type: "object",
    properties: named(3000, () => ({ type: "null" })),
    maxProperties: 1500,
  }),
  schema("10,000 others", { type: "object", maxProperties: 10_000 }),
  schema("patterns in all properties", {
    type: "object",
    properties: named(60, (i) => ({ type: "string", pattern: `a{0,${500 + i}}a{500}` })),
  }),
  schema("10,000 values", { enum: each(10_000, (i) => `value ${i * 7919}`) }),
  schema("5,000 objects as values", { enum: each(5000, (i) => ({ a: i, b: `value ${i}` })) }),
  schema("a value of 500,000 characters", { const: "long ".repeat(100_000) }),
  schema("a value of 200 lists", { const: nested(200, (inner) => [inner]) }),
  schema("a long string", { type: "string", maxLength: 65_536 }),
  schema("many long strings", {
    type: "array",
    prefixItems: each(40, (i) => ({ type: "string", maxLength: 60_000 + i })),
  }),
  schema("a pattern within a length", { type: "string", pattern: "^[a-z]+(-[a-z]+)*$", maxLength: 65_536 }),
  schema("a pattern somewhere", { type: "string", pattern: "a.{12}b", maxLength: 100 }),
  schema(
    "300 levels",
    nested(300, (inner) => ({ type: "array", items: inner })),
  ),
  schema(
    "120 levels of options",
    nested(60, (inner) => ({ anyOf: [{ type: "null" }, { type: "array", items: inner }] })),
  ),
  schema("256 options told apart", {
    oneOf: each(256, (i) => ({ type: "object", properties: { kind: { const: `k${i}` } }, required: ["kind"] })),
  }),
  schema("256 options of 200 values", { oneOf: each(256, (i) => ({ enum: each(200, (j) => `${i} ${j}`) })) }),
  schema("multiples within bounds", { type: "integer", multipleOf: 997, minimum: -1e12, maximum: 1e12 }),
  schema("multiples of many", {
    allOf: each(10, (i) => ({ type: "integer", multipleOf: [2, 3, 5, 7, 11, 13][i % 6] })),
  }),
  schema("bounds of many digits", {
    type: "array",
    prefixItems: each(100, (i) => ({
      type: "number",
      minimum: -1.2345678901234e-5 * (i + 1),
      maximum: 9.87654321e8 + i / 7,
    })),
  }),
  schema("formats and lengths", {
    type: "object",
    properties: named(100, (i) => ({
      type: "string",
      format: ["date-time", "email", "uuid", "ipv4"][i % 4],
      maxLength: 40 + i,
    })),
  }),
  schema("10,000 items", {
    type: "array",
    items: { type: "object", properties: named(20, () => ({ type: "number" })) },
    minItems: 10_000,
  }),
  {
    name: "choices: 10,000 long ones",
    request: {
      responseFormat: { type: "choice", choices: each(10_000, (i) => `item ${i * 7919} ${"abc".repeat(20)}`) },
    },
  },
  {
    name: "choices: 2,000 that begin alike",
    request: { responseFormat: { type: "choice", choices: each(2000, (i) => "a".repeat(i)) } },
  },
  {
    name: "tools: 34",
    request: {
      toolChoice: "auto",
      tools: each(34, (i) =>
        tool(`tool_${i}`, {
          type: "object",
          properties: {
            query: { type: "string" },
            limit: { type: "integer", minimum: 1, maximum: 100 + i },
            when: { type: "string", format: "date-time" },
          },
          required: ["query"],
        }),
      ),
    },
  },
  {
    name: "tools: 1,024",
    request: {
      toolChoice: "required",
      tools: each(1024, (i) => tool(`tool_${i}`, { type: "object", properties: named(5, () => ({ type: "string" })) })),
    },
  },
  {
    name: "tools: 200 of 50 arguments",
    request: {
      toolChoice: "required",
      tools: each(200, (i) =>
        tool(`t${i}`, { type: "object", properties: named(50, (j) => ({ type: "integer", maximum: i + j })) }),
      ),
    },
  },
];

const count = fc.nat(1200);
const atom = fc.constantFrom("a", "b", ".", "\\d", "\\w", "[^a]", "[a-f]", "é", "😀", "[^]", "^", "$", "\\s");
const wild = fc.letrec((tie) => ({
  regex: fc.oneof(
    { maxDepth: 6 },
    atom,
    fc.array(tie("regex"), { minLength: 2, maxLength: 5 }).map((parts) => parts.join("")),
    fc.array(tie("regex"), { minLength: 2, maxLength: 5 }).map((parts) => `(?:${parts.join("|")})`),
    fc
      .tuple(tie("regex"), fc.constantFrom("*", "+", "?", "{0,9}", "{7}"))
      .map(([inner, times]) => `(?:${inner})${times}`),
    fc.tuple(tie("regex"), count, count).map(([inner, a, b]) => `(?:${inner}){${Math.min(a, b)},${Math.max(a, b)}}`),
  ),
})).regex as fc.Arbitrary<string>;

const name = fc.constantFrom("a", "b", "ab", "k0", "k1", "__proto__", "é");
const reference = fc.nat(9).map((to) => ({ $ref: `#/$defs/k${to}` }));
const part = fc.letrec((tie) => ({
  schema: fc.oneof(
    { maxDepth: 4 },
    reference,
    fc.record({ type: fc.constantFrom("string", "integer", "number", "null", "object", "array") }),
    fc.tuple(wild, count).map(([pattern, maxLength]) => ({ type: "string", pattern, maxLength })),
    fc.record({ type: fc.constant("number"), minimum: fc.double({ noNaN: true, min: -1e9, max: 1e9 }) }),
    fc.record({ type: fc.constant("integer"), multipleOf: fc.integer({ min: 1, max: 1000 }), maximum: fc.nat() }),
    fc
      .tuple(tie("schema"), count, count)
      .map(([items, a, b]) => ({ type: "array", items, minItems: Math.min(a, b), maxItems: Math.max(a, b) })),
    fc
      .tuple(fc.dictionary(name, tie("schema")), fc.array(name), fc.option(tie("schema")))
      .map(([properties, required, others]) => ({
        type: "object",
        properties,
        required,
        ...(others === null ? {} : { additionalProperties: others }),
      })),
    fc.record({ type: fc.constant("object"), additionalProperties: tie("schema"), maxProperties: count }),
    fc
      .tuple(fc.constantFrom("anyOf", "oneOf", "allOf"), fc.array(tie("schema"), { minLength: 1, maxLength: 6 }))
      .map(([keyword, all]) => ({ [keyword]: all })),
    fc.tuple(tie("schema"), tie("schema")).map(([one, other]) => ({ ...(one as object), ...(other as object) })),
    fc.record({
      enum: fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 30 }),
      maxLength: fc.nat(9),
      required: fc.array(name),
    }),
  ),
})).schema as fc.Arbitrary<object>;

/** Most of what is random is refused, or small; some of it is neither. */
export const random: fc.Arbitrary<Hostile> = fc.oneof(
  wild.map((found) => pattern("at random", found)),
  fc
    .tuple(part, fc.array(part, { minLength: 10, maxLength: 10 }))
    .map(([root, all]) =>
      schema("at random", { ...root, $defs: Object.fromEntries(all.map((found, i) => [`k${i}`, found])) }),
    ),
);
