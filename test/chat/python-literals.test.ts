// Values in tool calls beside what Python makes of them: golden/text/python-literals.json.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { BlockPiece } from "../../src/chat/calls/parsed-call.ts";
import { createToolCallParser } from "../../src/chat/calls/tool-call-parser.ts";
import { checkCall } from "../../src/chat/calls/tool-check.ts";
import { PythonFloat, parseExactJson } from "../../src/chat/exact-json.ts";

interface Literal {
  readonly source: string;
  readonly parses?: boolean;
  /** What ast.literal_eval and eval make of it, as JSON. */
  readonly literal?: string;
  readonly value?: string;
}

const path = new URL("../../golden/text/python-literals.json", import.meta.url);
const literals: readonly Literal[] = JSON.parse(readFileSync(path, "utf8"));

function read(block: string): BlockPiece[] {
  const parser = createToolCallParser();
  return [...parser.push(block), ...parser.end("model")];
}

/** JSON as it is compared: whether a number is a float counts, the digits it is written with do not. */
const comparable = (json: string): string =>
  JSON.stringify(parseExactJson(json, { keepOrder: true }), (_, value: unknown) => {
    if (value instanceof PythonFloat) return `float ${Object.is(value.value, -0) ? "-0" : value.value}`;
    if (value instanceof Map) return [...value];
    return typeof value === "bigint" || typeof value === "number" ? `integer ${value}` : value;
  });

/** What LFM2 means by what is not Python: JSON's words, strings as its template writes them, and any space. */
const isDialect = ({ source, parses }: Literal): boolean =>
  /\b(true|false|null)\b|^\u00a0/.test(source) || (parses === undefined && /['"]/.test(source));

const places: readonly [string, (source: string) => string, (json: string) => string][] = [
  ["an argument", (source) => `[f(a=${source}\n)]`, (json) => json],
  ["an argument before others", (source) => `[f(a=${source}\n, z=1)]`, (json) => json],
  ["in a list", (source) => `[f(a=[0, ${source}\n])]`, (json) => `[0, ${json}]`],
  ["in a dict", (source) => `[f(a={'k': ${source}\n, 'l': 1})]`, (json) => `{"k": ${json}, "l": 1}`],
  ["in a tuple", (source) => `[f(a=(${source}\n, 1))]`, (json) => `[${json}, 1]`],
];

describe.each(places)("%s", (_, inPlace, around) => {
  it("has the value that Python gives it, without a problem", () => {
    // Names of characters are reported.
    const known = literals.filter(({ source, literal }) => literal !== undefined && !source.includes("\\N{"));
    expect(known.length).toBeGreaterThan(300);
    for (const { source, literal } of known) {
      const [piece] = read(inPlace(source));
      if (!("call" in piece)) expect.fail(`no call: ${inPlace(source)}`);
      const { arguments: json, problems } = checkCall(piece.call);
      const a = /^\{"a":(.*?)(,"z":1)?\}$/s.exec(json)?.[1] ?? json;
      expect([source, comparable(a)]).toEqual([source, comparable(around(literal as string))]);
      // Strings that touch are one to Python; here they may also be quotes that were not escaped.
      if (!/['"][rufb]*['"]/i.test(source)) expect([source, problems]).toEqual([source, []]);
    }
  });

  it("has no other value than Python's without a problem", () => {
    for (const entry of literals) {
      const { source, value } = entry;
      const [piece, ...more] = read(inPlace(source));
      if (!("call" in piece)) continue;
      const { arguments: json, problems } = checkCall(piece.call);
      if (problems.length > 0 || (value === undefined && isDialect(entry))) continue;
      const a = /^\{"a":(.*?)(,"z":1)?\}$/s.exec(json)?.[1] ?? json;
      expect([source, more, value === undefined ? "nothing" : comparable(around(value))]).toEqual([
        source,
        [],
        comparable(a),
      ]);
    }
  });
});

it("costs no other call: what stands before it and after it is called", () => {
  for (const { source, parses } of literals) {
    const calls = read(`[before(), f(a=${source}\n), behind(b=2)]`).flatMap((piece) =>
      "call" in piece ? [piece.call.name] : [],
    );
    expect([source, calls[0]]).toEqual([source, "before"]);
    // What Python cannot parse may have a quote that takes in whatever follows.
    if (parses) expect([source, calls.at(-1)]).toEqual([source, "behind"]);
  }
});
