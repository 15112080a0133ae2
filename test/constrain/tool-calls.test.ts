// Calls of tools, as LFM2 writes them.
import { describe, expect, it } from "vitest";
import { ConstraintError } from "../../src/constrain/error.ts";
import { CALL, compile, constrain, follow, isIn, type Request, takes } from "./harness.ts";

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string" },
        days: { type: "integer", minimum: 1, maximum: 7 },
        metric: { type: ["boolean", "null"] },
        tags: { type: "array", items: { enum: ["a", "b"] } },
        at: { type: "object", properties: { lat: { type: "number" } }, required: ["lat"] },
      },
      required: ["city"],
    },
  },
};
const ping = { name: "net.ping-host" };
const tools = [weather, JSON.stringify(ping)];

const required: Request = { tools, toolChoice: "required" };

describe("calls of tools", () => {
  it.each([
    `<call>[get_weather(city="Paris")]</call>`,
    `<call>[get_weather(city='Paris')]</call>`,
    `<call>[get_weather(city="it's", days=7, metric=True, tags=["a", 'b'], at={"lat": -1.5})]</call>`,
    `<call>[get_weather(city='a "b" \\'c\\' \\\\ \\n é',metric=None)]</call>`,
    `<call>[get_weather(city='x', metric=false), net.ping-host()]</call>`,
    `<call>[net.ping-host(),get_weather(city="")]</call>`,
  ])("are let through: %s", (text) => {
    expect(takes(required, text)).toBe(true);
  });

  it.each([
    ["another name", "<call>[get_", "<call>[get_time(", "t"],
    ["no call", "<call>[", "<call>[]", "]"],
    ["a missing argument", "<call>[get_weather(", "<call>[get_weather()", ")"],
    ["an unknown argument", "<call>[get_weather(c", "<call>[get_weather(country=", "o"],
    ["another order", '<call>[get_weather(city="x", ', '<call>[get_weather(city="x", city=', "c"],
    ["a wrong type", "<call>[get_weather(city=", "<call>[get_weather(city=3", "3"],
    ["a value out of bounds", '<call>[get_weather(city="x", days=', '<call>[get_weather(city="x", days=8', "8"],
    ["a quote that does not end its string", "<call>[get_weather(city='it", "<call>[get_weather(city='it's", "s"],
    ["text before", "", "Sure: <call>", "S"],
    ["text after", "<call>[net.ping-host()]</call>", "<call>[net.ping-host()]</call>Done", "D"],
  ])("are not let through with %s", (_, until, text) => {
    const { read, mayEnd } = follow(required, text);
    // The characters that both begin with are let through, and then no more.
    expect([read >= follow(required, until).read, read < text.replaceAll(/<\/?call>/g, "_").length, mayEnd]).toEqual([
      true,
      true,
      until.endsWith("</call>"),
    ]);
  });

  it("are the one that is asked for, once", () => {
    const only: Request = { tools, toolChoice: { name: "net.ping-host" } };
    expect(takes(only, "<call>[net.ping-host()]</call>")).toBe(true);
    expect(takes(only, "<call>[net.ping-host(), net.ping-host()]</call>")).toBe(false);
    expect(takes(only, '<call>[get_weather(city="x")]</call>')).toBe(false);
  });

  it("are compiled in a fraction of a second, 34 at a time", () => {
    const many = Array.from({ length: 34 }, (_, i) => ({
      name: `tool_${i}`,
      parameters: {
        type: "object",
        properties: {
          query: { type: "string", description: `What to look for, ${i}` },
          limit: { type: "integer", minimum: 1, maximum: 100 },
          when: { type: "string", format: "date-time" },
          where: { type: "object", properties: { lat: { type: "number" }, lon: { type: "number" } } },
        },
        required: ["query"],
      },
    }));
    const begin = process.cpuUsage();
    const { grammar } = compile({ tools: many, toolChoice: "auto" });
    const { user, system } = process.cpuUsage(begin);
    expect((user + system) / 1000).toBeLessThan(500); // measured 60
    // Arguments that are described alike, but for notes, are compiled once.
    expect(grammar?.ends.length).toBeLessThan(5000);
  });

  it("have as many arguments as maxProperties allows, by the names that propertyNames allows", () => {
    const properties = { a: { type: "null" }, b: { type: "null" }, abc: { type: "null" } };
    const held = {
      name: "f",
      parameters: { type: "object", properties, maxProperties: 1, propertyNames: { maxLength: 2 } },
    };
    const request: Request = { tools: [held], toolChoice: "required" };
    for (const text of ["f()", "f(a=None)", "f(b=None)"])
      expect([text, takes(request, `<call>[${text}]</call>`)]).toEqual([text, true]);
    for (const text of ["f(a=None, b=None)", "f(abc=None)"])
      expect([text, takes(request, `<call>[${text}]</call>`)]).toEqual([text, false]);
  });

  it("may come at any time when they are the model's choice; only what is between the markers is held to them", () => {
    const auto: Request = { tools, toolChoice: "auto" };
    expect(takes(auto, "Anything [at(all)]")).toBe(true);
    expect(takes(auto, 'Let me see: <call>[get_weather(city="x")]</call> and <call>[net.ping-host()]</call> so.')).toBe(
      true,
    );
    expect(takes(auto, "<call>[get_time()]</call>")).toBe(false);
    // Within a call the answer cannot end.
    expect(follow(auto, "Hm. <call>[net.ping-host()")).toEqual({ read: 21, mayEnd: false });
  });

  it("are forbidden by toolChoice none, and free without a choice", () => {
    expect(isIn(constrain({ tools, toolChoice: "none" }).allowed(), CALL.start)).toBe(false);
    expect(isIn(constrain({ tools, toolChoice: "none" }).allowed(), 0x41)).toBe(true);
    expect(constrain({ tools: [], toolChoice: "none" }).allowed()).toBeDefined();
  });

  it("or an answer in a format: with both, the model chooses; with a choice, it decides", () => {
    const format: Request = { tools, responseFormat: { type: "json_schema", schema: { type: "integer" } } };
    const [call, answer] = ["<call>[net.ping-host()]</call>", "12"];
    const takesBoth = (request: Request) => [takes(request, call), takes(request, answer)];
    expect(takesBoth(format)).toEqual([true, true]);
    expect(takesBoth({ ...format, toolChoice: "auto" })).toEqual([true, true]);
    expect(takesBoth({ ...format, toolChoice: "none" })).toEqual([false, true]);
    expect(takesBoth({ ...format, toolChoice: "required" })).toEqual([true, false]);
    expect(takesBoth({ ...format, tools: undefined })).toEqual([false, true]);
  });

  const parameters = (parameters: unknown) => [{ name: "f", parameters }];
  it.each<[string, Request, string]>([
    ["none to call", { tools: [], toolChoice: "required" }, "tools: expected 1 to 1024 tools to call, found 0."],
    [
      "a name that is none",
      { tools: [{ name: "f(x)" }], toolChoice: "auto" },
      'tools[0].name: expected letters, digits, "_", "." and "-"',
    ],
    [
      "a name twice",
      { tools: [ping, ping], toolChoice: "auto" },
      'tools[1]: expected each name once, found "net.ping-host" twice.',
    ],
    [
      "an unknown name",
      { tools, toolChoice: { name: "f" } },
      'toolChoice.name: expected one of the tools (get_weather, net.ping-host), found "f".',
    ],
    [
      "no choice",
      { tools, toolChoice: "sometimes" as "auto" },
      'toolChoice: expected "none", "auto", "required" or { name }, found "sometimes".',
    ],
    [
      "a text that is no JSON",
      { tools: ["f()"], toolChoice: "auto" },
      'tools[0]: expected an object, or one as JSON, found "f()".',
    ],
    [
      "a keyword",
      { tools: parameters({ properties: { a: { not: {} } } }), toolChoice: "auto" },
      "tools[0].parameters.properties.a.not: expected keywords",
    ],
    [
      "an argument's name",
      { tools: parameters({ properties: { "a-b": {} } }), toolChoice: "auto" },
      'tools[0].parameters.properties["a-b"]: expected a name of letters',
    ],
    [
      "parameters of choice",
      { tools: parameters({ anyOf: [{}] }), toolChoice: "auto" },
      'tools[0].parameters: expected "type": "object" with properties',
    ],
    [
      "a vocabulary without markers",
      { tools, toolChoice: "auto", callMarkers: undefined },
      "toolChoice: expected a model whose vocabulary has <|tool_call_start|>",
    ],
  ])("are refused by name: %s", (_, request, message) => {
    expect(() => compile({ callMarkers: CALL, ...request })).toThrow(ConstraintError);
    expect(() => compile({ callMarkers: CALL, ...request })).toThrow(message);
  });
});
