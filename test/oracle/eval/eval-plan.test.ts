import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planEval, scoredPositions, targetsOf, windowIds, windowsOf } from "../../../src/oracle/eval/eval-plan.ts";

const BOS = 1;

/** A token for every letter. */
function lettersTokenizer(addsBos: boolean) {
  return {
    bosId: BOS,
    addsBos,
    encode(text: string, { addBos, parseSpecial }: { addBos?: boolean; parseSpecial?: boolean } = {}) {
      expect(parseSpecial).toBe(false);
      return [...(addBos ? [BOS] : []), ...Array.from(text, (letter) => letter.charCodeAt(0))];
    },
  };
}

const codes = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));

describe("a text's windows", () => {
  it("follow one another, and begin with BOS in place of their own first token", async () => {
    const plan = await planEval(lettersTokenizer(true), "abcdefghijklmnopq", { window: 8 });
    expect(plan.windows).toBe(2);
    // The text's ids: BOS a b c d e f g | h i j k l m n o | p q
    expect(windowIds(plan, 0)).toEqual([BOS, ...codes("abcdef")]);
    expect(windowIds(plan, 1)).toEqual([BOS, ...codes("ijklmn")]);
  });

  it("score the second half: of 8 tokens, the predictions after positions 4, 5 and 6", async () => {
    const plan = await planEval(lettersTokenizer(true), "abcdefghijklmnopq", { window: 8 });
    expect(targetsOf(plan, 0)).toEqual(codes("efg"));
    expect(targetsOf(plan, 1)).toEqual(codes("mno"));
    // llama-perplexity: n_ctx − n_ctx / 2 − 1, in integers.
    expect([8, 9, 512].map(scoredPositions)).toEqual([3, 4, 255]);
  });

  it("keep their first token in a model whose texts do not begin with BOS", async () => {
    const plan = await planEval(lettersTokenizer(false), "abcdefghijklmnop", { window: 8 });
    expect([plan.windows, windowIds(plan, 1)]).toEqual([2, codes("ijklmno")]);
  });

  it("are as many as asked for, as long as the text has them", async () => {
    const of = async (windows: number): Promise<number> =>
      (await planEval(lettersTokenizer(false), "a".repeat(80), { window: 8, windows })).windows;
    expect([await of(3), await of(10), await of(11)]).toEqual([3, 10, 10]);
  });

  it("need a text of at least one window, and a window of 8", async () => {
    const plan = (text: string, window: number, windows?: number) =>
      planEval(lettersTokenizer(true), text, { window, windows });
    await expect(plan("abcdef", 8)).rejects.toThrow("text: expected at least 8 tokens, one window, found 7.");
    expect((await plan("abcdefg", 8)).windows).toBe(1);
    await expect(plan("abcdefg", 7)).rejects.toThrow("window: expected an integer of at least 8, found 7.");
    await expect(plan("abcdefg", 8, 0)).rejects.toThrow("windows: expected an integer of at least 1, found 0.");
  });
});

describe("shards", () => {
  it("share out every window once, in turns", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 20 }), (windows, count) => {
        const shards = Array.from({ length: count }, (_, i) => windowsOf(windows, { index: i + 1, count }));
        expect(shards.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: windows }, (_, i) => i));
        const sizes = shards.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
    expect(windowsOf(7, { index: 2, count: 3 })).toEqual([1, 4]);
    expect(() => windowsOf(7, { index: 4, count: 3 })).toThrow("shard: expected i/n with 1 ≤ i ≤ n, found 4/3.");
  });
});
