import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BlockPiece } from "../../src/chat/calls/parsed-call.ts";
import { createToolCallParser } from "../../src/chat/calls/tool-call-parser.ts";
import { checkCall } from "../../src/chat/calls/tool-check.ts";
import { blockCases, readBlock } from "./read-block.ts";
import { cut, describeRoundTrips, places } from "./round-trips.ts";

/** In the notation of the cases. */
const shown = (pieces: readonly BlockPiece[]): string[] =>
  pieces.map((piece) => {
    if ("text" in piece) return `«${piece.text}»`;
    const { name, arguments: json, problems } = checkCall(piece.call);
    expect(() => JSON.parse(json)).not.toThrow();
    return [`${name} ${json}`, ...problems.map(({ path }) => `!${path}`)].join(" ");
  });

describe.each(blockCases)("%s", (_, cases) => {
  it.each(cases)("%s", (_, block, ...expected) => {
    expect(shown(readBlock([block]))).toEqual(expected);
    // A decision that needs text which has not come waits for it.
    expect(shown(readBlock(block.split("")))).toEqual(expected);
  });
});

it("has at least 120 cases, each of its own name", () => {
  const titles = blockCases.flatMap(([, cases]) => cases.map(([title]) => title));
  expect(titles.length).toBeGreaterThanOrEqual(120);
  expect(new Set(titles).size).toBe(titles.length);
});

describe("a call that streams", () => {
  it("comes out with the unit that makes it certain, not before and not after", () => {
    const parser = createToolCallParser();
    const block = "[f(a='x'), g(b=[1, 2]) , h()]";
    const came = block.split("").flatMap((unit, i) => parser.push(unit).map(() => block.slice(0, i + 1)));
    // A comma alone does not tell f(…) from "f(…), what follows". A name and its parenthesis do.
    expect(came).toEqual(["[f(a='x'), g(", "[f(a='x'), g(b=[1, 2]) , h(", block]);
  });

  it("is text when the answer is cut before it ends: half a path must not be run", () => {
    const block = "[f(a=1), rm(path='/home/me/x', n=12)]";
    const cuts = Array.from(block, (_, i) => shown(readBlock([block.slice(0, i)], "cut")));
    const whole = [block.indexOf(",") - 1, block.length - 2];
    cuts.forEach((pieces, i) => {
      const calls = pieces.filter((piece) => !piece.startsWith("«"));
      expect(calls).toHaveLength(i > whole[1] ? 2 : i > whole[0] ? 1 : 0);
      expect(calls.join()).not.toContain("!");
    });
    expect(cuts[8]).toEqual(['f {"a":1}']);
    expect(cuts[28]).toEqual(['f {"a":1}', "«, rm(path='/home/me/x»"]);
  });
});

describeRoundTrips(400); // 4,000 in tool-calls.long.test.ts

describe("whatever a model writes", () => {
  const blocks = blockCases.flatMap(([, cases]) => cases.map(([, block]) => block));

  it("cuts change nothing, and what is not read is kept", () => {
    const block = fc.oneof(
      fc.string({ unit: fc.constantFrom(..."f(a='x\",b)]}[{:1# \n\\"), maxLength: 40 }),
      fc
        .constantFrom(...blocks)
        .chain((whole) => fc.nat(whole.length).map((at) => whole.slice(0, at) + whole.slice(at + 1))),
    );
    const property = fc.property(block, places, fc.constantFrom("model" as const, "cut" as const), (text, at, by) => {
      const whole = readBlock([text], by);
      expect(shown(readBlock(cut(text, at), by))).toEqual(shown(whole));
      const last = whole.at(-1);
      if (last !== undefined && "text" in last) expect(text.endsWith(last.text)).toBe(true);
      if (whole.length === 0) expect(text).toMatch(/^[\s[\],;]*$/);
    });
    fc.assert(property, { numRuns: 5000 });
  });

  it.each<[string, (length: number) => string]>([
    ["one long string", (n) => `f(a="${"x".repeat(n)}")`],
    ["many quotes", (n) => `f(a='${"' ".repeat(n / 5)}`],
    ["many quotes and signs", (n) => `f(a='${"'#,".repeat(n / 5)}`],
    ["many strings and signs", (n) => `f(a=[${"'a'#, ".repeat(n / 10)}`],
    ["many strings that are one", (n) => `f(a=${"'a' ".repeat(n / 10)})`],
    ["many strings that could be one", (n) => `f(a=[${"'a' 'b'x, ".repeat(n / 33)}])`],
    ["many broken calls", (n) => `[${"f(a=?), ".repeat(n / 100)}g()]`],
    ["many sets", (n) => `f(a=[${"{1,'a'},".repeat(n / 33)}])`],
    ["many brackets", (n) => `f(a=${"[".repeat(n / 2)}`],
    ["many members", (n) => `f(a=[${"1,".repeat(n / 5)}])`],
    ["many calls", (n) => `[${"f(),".repeat(n / 10)}]`],
    ["a long number", (n) => `f(a=${"9".repeat(n / 2)}, b=0x${"f".repeat(n / 2)})`],
    ["many comments", (n) => `f(${"#\n".repeat(n / 5)})`],
  ])("takes work in proportion to its length: %s", (_, write) => {
    // In processor time, which other processes do not count in, and against itself: squares would take 1,000 times as
    // much for 32 times the length, and a slow or busy machine takes longer for both.
    const work = (length: number): number => {
      const pieces = write(length).match(/[\s\S]{1,4}/g) as string[];
      const begin = process.cpuUsage();
      readBlock(pieces);
      const { user, system } = process.cpuUsage(begin);
      return (user + system) / 1000;
    };
    const part = work(1e6 / 32);
    expect(work(1e6)).toBeLessThan(4 * 32 * (part + 2)); // 2 ms: what garbage and compilers may take in between
  });
});
