import { describe, expect, it } from "vitest";
import { createToolCallParser } from "../../src/chat/calls/tool-call-parser.ts";
import { checkCall, readToolSchemas } from "../../src/chat/calls/tool-check.ts";

/** A call beside tools; the call is the block's only one. */
function checked(block: string, ...tools: unknown[]) {
  const parser = createToolCallParser();
  const [piece] = [...parser.push(block), ...parser.end("model")];
  if (!("call" in piece)) throw new Error(`no call in ${block}`);
  const { arguments: json, problems } = checkCall(piece.call, readToolSchemas(tools));
  return { json, problems: problems.map(({ path, expected, found }) => `${path}: ${expected}, not ${found}`) };
}

/** Tool f, whose one parameter `a` has this schema. */
const takes = (schema: unknown) => ({ name: "f", parameters: { type: "object", properties: { a: schema } } });

describe("an argument that fits its schema is passed over, one that does not is reported", () => {
  it.each<[keyword: string, schema: unknown, fits: string[], refused: [value: string, problem: string][]]>([
    [
      "type string",
      { type: "string" },
      ["'x'", "''"],
      [
        ["1", "a string, not 1"],
        ["None", "a string, not null"],
      ],
    ],
    [
      "type integer",
      { type: "integer" },
      ["1", "-7", "2.0", "12345678901234567890"],
      [
        ["1.5", "an integer, not 1.5"],
        ["'1'", 'an integer, not "1"'],
        ["True", "an integer, not true"],
      ],
    ],
    [
      "multipleOf",
      { type: "number", multipleOf: 0.01 },
      ["19.99", "0.07", "3"],
      [["0.005", "a multiple of 0.01, not 0.005"]],
    ],
    [
      "multipleOf, integers",
      { type: "number", multipleOf: 2 },
      ["10000000002", "0"],
      [["10000000001", "a multiple of 2, not 10000000001"]],
    ],
    ["type number", { type: "number" }, ["1", "1.5", "2.0"], [["'1'", 'a number, not "1"']]],
    [
      "type boolean",
      { type: "boolean" },
      ["True", "false"],
      [
        ["0", "a boolean, not 0"],
        ["'true'", 'a boolean, not "true"'],
      ],
    ],
    ["type null", { type: "null" }, ["None"], [["0", "null, not 0"]]],
    ["type array", { type: "array" }, ["[]", "(1,)"], [["{}", "an array, not {}"]]],
    [
      "type object",
      { type: "object" },
      ["{}", "{'x': 1}"],
      [
        ["[]", "an object, not []"],
        ["1.5", "an object, not 1.5"],
      ],
    ],
    ["several types", { type: ["string", "null"] }, ["'x'", "None"], [["1", "a string or null, not 1"]]],
    [
      "enum",
      { enum: ["c", "f", 1, null] },
      ["'c'", "1", "1.0", "None"],
      [["'k'", 'one of "c", "f", 1, null, not "k"']],
    ],
    ["const", { const: "x" }, ["'x'"], [["'y'", '"x", not "y"']]],
    [
      "items",
      { type: "array", items: { type: "integer" } },
      ["[]", "[1, 2]"],
      [["[1, 'x', 2.5]", 'an integer, not "x"']],
    ],
    [
      "prefixItems",
      { prefixItems: [{ type: "string" }], items: { type: "integer" } },
      ["['x', 1]"],
      [
        ["[1]", "a string, not 1"],
        ["['x', 'y']", 'an integer, not "y"'],
      ],
    ],
    [
      "minItems, maxItems",
      { minItems: 1, maxItems: 2 },
      ["[1]", "[1, 2]"],
      [
        ["[]", "at least 1 items, not []"],
        ["[1, 2, 3]", "at most 2 items, not [1,2,3]"],
      ],
    ],
    [
      "minimum, maximum",
      { minimum: 1, maximum: 2 },
      ["1", "2.0", "1.5"],
      [
        ["0.5", "at least 1, not 0.5"],
        ["3", "at most 2, not 3"],
      ],
    ],
    [
      "exclusive bounds",
      { exclusiveMinimum: 1, exclusiveMaximum: 2 },
      ["1.5"],
      [
        ["1", "more than 1, not 1"],
        ["2.0", "less than 2, not 2"],
      ],
    ],
    [
      "bounds beside integers of any size",
      { minimum: 0 },
      ["99999999999999999999"],
      [["-99999999999999999999", "at least 0, not -100000000000000000000"]],
    ],
    [
      "minLength, maxLength",
      { minLength: 1, maxLength: 2 },
      ["'x'", "'😀😀'"],
      [
        ["''", 'at least 1 characters, not ""'],
        ["'xyz'", 'at most 2 characters, not "xyz"'],
      ],
    ],
    ["anyOf", { anyOf: [{ type: "string" }, { type: "null" }] }, ["'x'", "None"], [["1", "a string or null, not 1"]]],
    [
      "oneOf, as anyOf",
      { oneOf: [{ type: "number" }, { type: "integer" }] },
      ["1"],
      [["'x'", 'a number or an integer, not "x"']],
    ],
    ["allOf", { allOf: [{ type: "integer" }, { minimum: 2 }] }, ["2"], [["1", "at least 2, not 1"]]],
    ["what is not checked", { pattern: "^a$", format: "date", if: {}, type: "widget" }, ["'x'", "1"], []],
    ["no schema", true, ["'x'", "1", "None"], []],
  ])("%s", (_, schema, fits, refused) => {
    for (const value of fits) expect([value, checked(`f(a=${value})`, takes(schema)).problems]).toEqual([value, []]);
    for (const [value, problem] of refused) {
      const [first] = checked(`f(a=${value})`, takes(schema)).problems;
      expect(first).toMatch(/^a(\[\d\])?: /);
      expect(first.replace(/^.*?: /, "")).toBe(problem);
    }
  });

  it("in members: required, additionalProperties, and where", () => {
    const item = {
      type: "object",
      properties: { n: { type: "integer" } },
      required: ["n"],
      additionalProperties: false,
    };
    const tool = takes({ type: "array", items: item });
    expect(checked("f(a=[{'n': 1}])", tool).problems).toEqual([]);
    expect(checked("f(a=[{'n': 1}, {'n': 'x', 'm': 2}, {}])", tool).problems).toEqual([
      'a[1].n: an integer, not "x"',
      "a[1].m: one of the names n, not a name of its own",
      "a[2].n: an integer, not nothing",
    ]);
    const numbers = takes({ type: "object", additionalProperties: { type: "number" } });
    expect(checked("f(a={'x': 1, 'y': '2'})", numbers).problems).toEqual(['a.y: a number, not "2"']);
  });

  it("by $ref, as pydantic writes schemas, also one that leads back to itself", () => {
    const tool = {
      name: "f",
      parameters: {
        $defs: {
          Unit: { enum: ["c", "f"] },
          Tree: { properties: { next: { $ref: "#/$defs/Tree" }, n: { type: "integer" } } },
          Loop: { $ref: "#/$defs/Loop" },
        },
        properties: {
          unit: { anyOf: [{ $ref: "#/$defs/Unit" }, { type: "null" }] },
          tree: { $ref: "#/$defs/Tree" },
          loop: { $ref: "#/$defs/Loop" },
          gone: { $ref: "#/$defs/Gone" },
          away: { $ref: "https://example.com/schema" },
        },
      },
    };
    expect(checked("f(unit='c', tree={'next': {'n': 1}}, loop=1, gone=1, away=1)", tool).problems).toEqual([]);
    expect(checked("f(unit='k', tree={'next': {'next': {'n': 'x'}}})", tool).problems).toEqual([
      'unit: one of "c", "f" or null, not "k"',
      'tree.next.next.n: an integer, not "x"',
    ]);
  });

  it("and what the one choice of the right shape says is told", () => {
    const tool = takes({ anyOf: [{ type: "object", required: ["n"] }, { type: "null" }] });
    expect(checked("f(a={})", tool).problems).toEqual(["a.n: a value, not nothing"]);
  });
});

describe("a call beside the list of tools", () => {
  const weather = {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" } },
      required: ["city"],
    },
  };

  it.each<[string, unknown]>([
    ["bare", weather],
    ["in OpenAI's form", { type: "function", function: weather }],
    ["as JSON text", JSON.stringify(weather)],
  ])("finds a tool %s", (_, tool) => {
    expect(checked("[get_weather(city='Paris', days=2)]", tool).problems).toEqual([]);
    expect(checked("[get_weather(days='2')]", tool).problems).toEqual([
      "city: a string, not nothing",
      'days: an integer, not "2"',
    ]);
  });

  it("reports a name that is none of them, and arguments that a tool does not have", () => {
    expect(checked("[get_time()]", weather, { name: "g" }).problems).toEqual([
      ": one of the tools get_weather, g, not get_time",
    ]);
    expect(checked("[get_weather(city='x', town='y')]", weather).problems).toEqual([
      "town: one of the names city, days, not a name of its own",
    ]);
    const open = { name: "f", parameters: { properties: {}, additionalProperties: true } };
    expect(checked("[f(x=1)]", open).problems).toEqual([]);
    expect(checked("[f(x=1)]", { name: "f", parameters: { type: "object", properties: {} } }).problems).toEqual([
      "x: no arguments, not a name of its own",
    ]);
    expect(checked("[f(x=1)]", { name: "f" }, "not JSON", 1, null, { parameters: {} }).problems).toEqual([]);
  });

  it.each([
    ["get_weather('Paris')", '{"city":"Paris"}', []],
    ["get_weather('Paris', 2)", '{"city":"Paris","days":2}', []],
    ["get_weather('Paris', days=2)", '{"city":"Paris","days":2}', []],
    ["get_weather({'city': 'Paris', 'days': 2})", '{"city":"Paris","days":2}', []],
    [
      "get_weather({'city': 'Paris'}, days=2)",
      '{"city":{"city":"Paris"},"days":2}',
      ['city: a string, not {"city":"Paris"}'],
    ],
    ["get_weather({'town': 'Paris'})", '{"city":{"town":"Paris"}}', ['city: a string, not {"town":"Paris"}']],
    [
      "get_weather(2, 'Paris')",
      '{"city":2,"days":"Paris"}',
      ["city: a string, not 2", 'days: an integer, not "Paris"'],
    ],
    [
      "get_weather('Paris', 2, 'c')",
      '{"city":"Paris","days":2,"arg2":"c"}',
      ["arg2: an argument with a name, not one without"],
    ],
    [
      "get_weather('Paris', city='Rome')",
      '{"arg0":"Paris","city":"Rome"}',
      ["arg0: an argument with a name, not one without"],
    ],
  ])("gives positional arguments their names: %s", (block, json, problems) => {
    expect(checked(block, weather)).toEqual({ json, problems });
  });

  it("reports a call that was not closed, and the argument that is then missing", () => {
    expect(checked("[get_weather(days=2", weather).problems).toEqual([
      ": a call that is closed, not one that ends within",
      "city: a string, not nothing",
    ]);
  });

  it("reports at most 20 problems, and shows at most 60 characters of a value", () => {
    const { problems } = checked(`f(a=[${"'x',".repeat(1000)}])`, takes({ items: { type: "integer" } }));
    expect(problems).toHaveLength(20);
    const [long] = checked(`f(a='${"x".repeat(1000)}')`, takes({ type: "integer" })).problems;
    expect(long).toBe(`a: an integer, not "${"x".repeat(56)}...`);
  });

  it("ends on a schema whose choices multiply", () => {
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [
        `D${i}`,
        { anyOf: Array.from({ length: 4 }, () => ({ $ref: `#/$defs/D${i + 1}` })) },
      ]),
    );
    const tool = {
      name: "f",
      parameters: { $defs: { ...many, D20: { type: "string" } }, properties: { a: { $ref: "#/$defs/D0" } } },
    };
    const begin = performance.now();
    checked("f(a=1)", tool);
    expect(performance.now() - begin).toBeLessThan(2000);
  });
});

describe("a guess is no problem where the schema asks for what was guessed", () => {
  const tool = {
    name: "f",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string" },
        unit: { enum: ["c", "f"] },
        n: { type: "integer" },
        tags: { type: "array", items: { type: "string" } },
        opt: { type: "object", properties: { k: { type: "string" } } },
        any: {},
      },
    },
  };
  it.each([
    ["f(city=Paris, unit=c)", '{"city":"Paris","unit":"c"}'],
    ["f(city=2026-01-31)", '{"city":"2026-01-31"}'],
    ["f(Paris)", '{"city":"Paris"}'],
    ["f(n=007)", '{"n":7}'],
    ["f(tags=[a, 'b'])", '{"tags":["a","b"]}'],
    ["f(opt={k: v})", '{"opt":{"k":"v"}}'],
    ["f({city: Paris})", '{"city":"Paris"}'],
    ["f(city: 'x', \"n\"=1)", '{"city":"x","n":1}'],
    ["f(city='it's', unit='c')", `{"city":"it's","unit":"c"}`],
  ])("%s", (block, json) => {
    expect(checked(block, tool)).toEqual({ json, problems: [] });
    expect(checked(block).problems.length).toBeGreaterThan(0);
  });

  it.each([
    ["f(any=Paris)", "any: a value of Python's, not Paris"],
    ["f(n=Paris)", "n: a value of Python's, not Paris"],
    ["f(city=007)", "city: a number without zeros before it, not 007"],
    ["f(opt={x: 'v'})", "opt.x: a value of Python's, not x"],
    ["f(city='it's', place='c')", "city: a string whose quotes are escaped, not one that could end later"],
    ["f(city=b'x')", "city: a string, not bytes"],
    ["f(n=1e400)", "n: a number that Python can hold, not 1e400"],
    ["f(city='a', 'b')", "arg0: arguments without names before those with names, not one behind them"],
  ])("but %s", (block, problem) => {
    expect(checked(block, tool).problems).toContain(problem);
  });
});
