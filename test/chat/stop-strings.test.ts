import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkStops, createStopFilter, createStopMatcher } from "../../src/chat/stop-strings.ts";

/** What comes out of a matcher that is given a text in pieces, and which stop string it met. */
function through(pieces: readonly string[], stops: readonly string[]) {
  const matcher = createStopMatcher(stops);
  const out = pieces.map((piece) => matcher.push(piece));
  return { text: out.join("") + matcher.end(), met: matcher.met, out };
}

/** Straight from the definition: the first place where some stop string ends, and the longest that ends there. */
function bySearch(text: string, stops: readonly string[]) {
  for (let end = 1; end <= text.length; end++) {
    const complete = stops.filter((stop) => text.slice(0, end).endsWith(stop)).sort((a, b) => b.length - a.length);
    if (complete.length > 0) return { text: text.slice(0, end - complete[0].length), met: complete[0] };
  }
  return { text, met: undefined };
}

// Two letters: nearly every stop string begins, fails and begins again somewhere.
const letters = (limits: { minLength?: number; maxLength: number }) =>
  fc.array(fc.constantFrom("a", "b"), limits).map((parts) => parts.join(""));
const pieces = fc.array(letters({ maxLength: 5 }), { maxLength: 12 });
const stops = fc.array(letters({ minLength: 1, maxLength: 6 }), { maxLength: 4 });

describe("createStopMatcher", () => {
  it.each<[string[], string[], string, string | undefined]>([
    [["one END two"], ["END"], "one ", "END"],
    [["one E", "N", "D two"], ["END"], "one ", "END"],
    [["one EN", "C"], ["END"], "one ENC", undefined],
    [["one EN"], ["END"], "one EN", undefined],
    [["aaab"], ["aab"], "a", "aab"],
    [["abc"], ["abc", "b"], "a", "b"],
    [["xabc"], ["c", "abc", "bc"], "x", "abc"],
    [["a\n", "\nb"], ["\n\n"], "a", "\n\n"],
    [["😀", "😁x"], ["😁"], "😀", "😁"],
    [["END"], ["END"], "", "END"],
    [["aabaaabaaac"], ["aabaaac"], "aaba", "aabaaac"],
    [["plain", " text"], [], "plain text", undefined],
  ])("cuts %j at %j", (pieces, stops, text, met) => {
    expect(through(pieces, stops)).toMatchObject({ text, met });
  });

  it("gives the same for any cut of a text as a search in the whole", () => {
    fc.assert(
      fc.property(pieces, stops, (pieces, stops) => {
        expect(through(pieces, stops)).toMatchObject(bySearch(pieces.join(""), stops));
      }),
      { numRuns: 2000 },
    );
  });

  it("holds back only what could still become a stop string, and all of that", () => {
    fc.assert(
      fc.property(pieces, stops, (pieces, stops) => {
        const { out, met } = through(pieces, stops);
        for (let i = 1; met === undefined && i <= pieces.length; i++) {
          const seen = pieces.slice(0, i).join("");
          const begins = (length: number) => stops.some((stop) => stop.startsWith(seen.slice(seen.length - length)));
          let held = Math.min(6, seen.length);
          while (held > 0 && !begins(held)) held--;
          expect(out.slice(0, i).join("")).toBe(seen.slice(0, seen.length - held));
        }
      }),
    );
  });

  it("is as fast for text that nearly matches everywhere", () => {
    const stop = `${"a".repeat(999)}b`;
    const matcher = createStopMatcher(Array.from({ length: 16 }, (_, i) => stop.slice(i)));
    const text = "a".repeat(20_000);
    const begin = performance.now();
    expect(matcher.push(text).length).toBe(20_000 - 999);
    // Comparing each stop string at each place anew would be 320 million steps.
    expect(performance.now() - begin).toBeLessThan(500);
  });
});

describe("createStopFilter", () => {
  type Piece = { content: string } | { other: string };
  const filter = (stops: string[]) =>
    createStopFilter<Piece>(
      stops,
      (piece) => ("content" in piece ? piece.content : undefined),
      (_, content) => ({ content }),
    );

  it("gives back what it held before anything that is not text, and looks for nothing in that", () => {
    const filtered = filter(["END"]);
    expect(filtered.push([{ content: "a EN" }])).toEqual([{ content: "a " }]);
    expect(filtered.push([{ other: "END" }, { content: "D b" }])).toEqual([
      { content: "EN" },
      { other: "END" },
      { content: "D b" },
    ]);
    expect(filtered.push([{ content: "EN" }])).toEqual([]);
    expect(filtered.end()).toEqual([{ content: "EN" }]);
    expect(filtered.met).toBeUndefined();
  });

  it("gives nothing after a stop string", () => {
    const filtered = filter(["END"]);
    expect(filtered.push([{ content: "a END b" }, { other: "x" }])).toEqual([{ content: "a " }]);
    expect(filtered.push([{ content: "c" }])).toEqual([]);
    expect(filtered.end()).toEqual([]);
    expect(filtered.met).toBe("END");
  });
});

describe("checkStops", () => {
  it("takes one string, a list, or none", () => {
    expect(checkStops("a")).toEqual(["a"]);
    expect(checkStops(["a", "😀"])).toEqual(["a", "😀"]);
    expect(checkStops(undefined)).toEqual([]);
    expect(checkStops(null)).toEqual([]);
  });

  it.each<[unknown, string]>([
    ["", "stop: expected a string of 1 to 1000 characters, found one of 0."],
    [["a", ""], "stop[1]: expected a string of 1 to 1000 characters, found one of 0."],
    ["x".repeat(1001), "found one of 1001."],
    [[5], "stop[0]: expected a string of 1 to 1000 characters, found number."],
    [{}, "stop: expected a string of 1 to 1000 characters, found object."],
    ["\ud83d", "found half a surrogate pair."],
    [Array(17).fill("a"), "stop: expected at most 16 strings, found 17."],
  ])("refuses %o", (stated, message) => {
    expect(() => checkStops(stated)).toThrow(message);
  });
});
