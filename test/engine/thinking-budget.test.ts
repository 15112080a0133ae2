import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countThinking } from "../../src/engine/thinking-budget.ts";

const OPEN = 4;
const CLOSE = 5;

/** Ids as an engine would take them: each wish is granted unless another id is forced. */
function taken(wishes: readonly number[], tokens: number, isOpen = false): number[] {
  const thought = countThinking({ tokens, open: OPEN, close: CLOSE, isOpen });
  return wishes.map((wish) => {
    const id = thought.forced() ?? wish;
    thought.accept(id);
    return id;
  });
}

describe("countThinking", () => {
  it.each([
    ["closes a thought after N ids", [4, 10, 11, 12, 13], 2, false, [4, 10, 11, 5, 13]],
    ["closes it at once when N is 0", [4, 10, 11], 0, false, [4, 5, 11]],
    ["leaves a shorter thought alone", [4, 10, 5, 12, 13], 2, false, [4, 10, 5, 12, 13]],
    [
      "puts what the model would have put, when it closes after N of its own accord",
      [4, 9, 5, 8],
      1,
      false,
      [4, 9, 5, 8],
    ],
    ["counts from the first id of the answer when the prompt opened the thought", [10, 11, 12], 1, true, [10, 5, 12]],
    ["closes what the prompt opened at once when N is 0", [10, 11], 0, true, [5, 11]],
    [
      "counts all thoughts of an answer together",
      [4, 10, 5, 20, 4, 10, 11, 12],
      2,
      false,
      [4, 10, 5, 20, 4, 10, 5, 12],
    ],
    ["counts a second <think> within a thought as any id", [4, 4, 4, 10], 2, false, [4, 4, 4, 5]],
    ["counts nothing outside of thoughts", [10, 11, 12, 5, 13], 0, false, [10, 11, 12, 5, 13]],
  ])("%s", (_, wishes, tokens, isOpen, expected) => {
    expect(taken(wishes, tokens, isOpen)).toEqual(expected);
  });

  it("never lets more than N ids into thoughts, and changes nothing before that", () => {
    const wishes = fc.array(fc.integer({ min: 3, max: 7 }), { maxLength: 60 });
    fc.assert(
      fc.property(wishes, fc.nat(10), fc.boolean(), (wishes, tokens, isOpen) => {
        const ids = taken(wishes, tokens, isOpen);
        // Thoughts found apart from the counter: what lies between an opener and the next closer.
        const text = (isOpen ? "4" : "") + ids.join("");
        const inside = Array.from(text.matchAll(/4([^5]*)(5|$)/g), ([, thought]) => thought).join("");
        expect(inside.length).toBeLessThanOrEqual(tokens);
        const first = ids.findIndex((id, i) => id !== wishes[i]);
        if (first >= 0) expect(ids[first]).toBe(CLOSE);
        expect(ids.filter((id, i) => id !== wishes[i]).every((id) => id === CLOSE)).toBe(true);
      }),
    );
  });
});
