// Calls written as text, in every notation that models use, and read again.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BlockPiece } from "../../src/chat/calls/parsed-call.ts";
import { jsonOf } from "../../src/chat/calls/python-literals.ts";
import { writeToolCalls } from "../../src/chat/calls/tool-call-text.ts";
import { checkCall, readToolSchemas } from "../../src/chat/calls/tool-check.ts";
import { PythonFloat, parseExactJson } from "../../src/chat/exact-json.ts";
import { readBlock } from "./read-block.ts";

/** Values as parseExactJson gives them. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(true, false, null),
    fc.integer(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => new PythonFloat(number)),
    fc.string({ unit: "grapheme", maxLength: 8 }),
    fc.string({ unit: fc.constantFrom(..."'\"\\ \n,)(]}#=:x") }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 4 }), tie("value"), { maxKeys: 3 }),
  ),
}));
const name = fc.stringMatching(/^[a-z_]\w{0,4}(\.[a-z]\w{0,3})?$/);
const call = fc.record({ name, arguments: fc.dictionary(fc.stringMatching(/^[a-z_]\w{0,4}$/), value, { maxKeys: 3 }) });
const calls = fc.array(call, { minLength: 1, maxLength: 3 });

/** The same, cut into chunks at any place. */
export const cut = (block: string, places: readonly number[]): string[] => {
  const at = [...new Set(places.map((place) => place % (block.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((begin, i) => block.slice(begin, at[i]));
};
export const places = fc.array(fc.nat(), { maxLength: 6 });

const exactJson = (value: unknown): string => {
  if (value instanceof PythonFloat)
    return Number.isInteger(value.value) && Math.abs(value.value) < 1e21
      ? `${Object.is(value.value, -0) ? "-0" : BigInt(value.value)}.0`
      : String(value.value);
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(exactJson).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}: ${exactJson(member)}`)
    .join(", ")}}`;
};

/** Names and arguments, with ints and floats told apart. */
const meant = (pieces: readonly BlockPiece[]) =>
  pieces.map((piece) => {
    if ("text" in piece) return piece.text;
    expect([piece.call.positional, piece.call.problems]).toEqual([[], []]);
    return { name: piece.call.name, arguments: parseExactJson(jsonOf(piece.call.named)) };
  });

/** Python in any style: quotes, prefixes, space, comments, commas at the end, tuples. */
function inSomeStyle(
  list: readonly { name: string; arguments: Record<string, unknown> }[],
  next: () => number,
): string {
  const pick = <T>(...choices: T[]): T => choices[next() % choices.length];
  const gap = (): string => pick("", "", " ", "\n  ", ' # it\'s a "comment", f(x)\n');
  const text = (value: string): string => {
    const quote = pick("'", '"', "'''", '"""');
    const escaped = (unit: string): string =>
      unit === "\n"
        ? quote.length === 3
          ? pick("\n", "\\n")
          : "\\n"
        : unit === "\\" || unit === quote[0]
          ? `\\${unit}`
          : unit;
    return quote + Array.from(value, escaped).join("") + quote;
  };
  const items = (parts: string[]): string =>
    parts.join(`${gap()},${gap()}`) + (parts.length > 0 ? pick("", gap(), `${gap()},${gap()}`) : "");
  const write = (value: unknown): string => {
    if (typeof value === "string") return text(value);
    if (typeof value === "boolean") return pick(String(value), value ? "True" : "False");
    if (value === null) return pick("None", "null");
    if (Array.isArray(value))
      return pick(true, value.length === 1)
        ? `[${gap()}${items(value.map(write))}]`
        : `(${gap()}${items(value.map(write))})`;
    if (typeof value !== "object" || value instanceof PythonFloat) return exactJson(value);
    return `{${gap()}${items(Object.entries(value).map(([key, member]) => `${text(key)}${gap()}:${gap()}${write(member)}`))}}`;
  };
  const written = list.map(({ name, arguments: args }) => {
    return `${name}(${gap()}${items(Object.entries(args).map(([key, member]) => `${key}${gap()}=${gap()}${write(member)}`))})`;
  });
  return `${gap()}[${gap()}${items(written)}]${gap()}`;
}

/** @param count  round trips of each kind */
export function describeRoundTrips(count: number): void {
  describe("what is written is read again, cut at any place", () => {
    const readBack = (block: string, at: readonly number[]) => meant(readBlock(cut(block, at)));

    it("as Python's repr writes it", () => {
      const property = fc.property(calls, places, (list, at) => {
        const block = writeToolCalls(list).replace(/^<\|tool_call_start\|>|<\|tool_call_end\|>$/g, "");
        expect(readBack(block, at)).toEqual(list);
      });
      fc.assert(property, { numRuns: count });
    });

    it("in any style of Python", () => {
      const property = fc.property(calls, places, fc.infiniteStream(fc.nat(1000)), (list, at, stream) => {
        expect(
          readBack(
            inSomeStyle(list, () => stream.next().value),
            at,
          ),
        ).toEqual(list);
      });
      fc.assert(property, { numRuns: count });
    });

    it("as JSON", () => {
      const property = fc.property(calls, places, fc.constantFrom("arguments", "parameters"), (list, at, key) => {
        const objects = list.map(
          ({ name, arguments: args }) => `{"name": ${JSON.stringify(name)}, "${key}": ${exactJson(args)}}`,
        );
        expect(readBack(`[${objects.join(", ")}]`, at)).toEqual(list);
      });
      fc.assert(property, { numRuns: count });
    });

    it("as LFM2.5's template writes strings, raw, as long as no quote in them could end them", () => {
      const words = fc.string({
        unit: fc.constantFrom("'", "a", "b", "é", " ", "(", "x'y", "\n"),
        minLength: 1,
        maxLength: 12,
      });
      const property = fc.property(words, words, places, (first, second, at) => {
        // Python reads 'a' 'b' as one string, and 'a' (b) as an expression.
        const couldEnd = /^'|'\s*(?:'|$)/;
        fc.pre(!couldEnd.test(first) && !couldEnd.test(second));
        const [piece] = readBlock(cut(`[f(a='${first}', b='${second}')]`, at));
        if (!("call" in piece)) expect.fail("no call");
        expect([...piece.call.named.values()].map((json) => JSON.parse(json as string))).toEqual([first, second]);
        // That a quote in the first one is not its end is a guess; in the last one it is certain.
        const { problems } = checkCall(piece.call);
        if (!/'/.test(first) && !/'\s*\(/.test(second)) expect(problems).toEqual([]);
        if (/'/.test(first)) expect(problems.map(({ path }) => path)).toContain("a");
        // A tool whose parameters these are makes sure of it.
        const tools = readToolSchemas([{ name: "f", parameters: { properties: { a: {}, b: {} } } }]);
        if (!/'\s*\(/.test(first + second)) expect(checkCall(piece.call, tools).problems).toEqual([]);
      });
      fc.assert(property, { numRuns: count });
    });
  });
}
