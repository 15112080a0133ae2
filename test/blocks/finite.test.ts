// Infinite weights and NaN are found where decoding gives them, in every format, and nowhere else.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstNonFinite, nonFinite } from "../../src/blocks/finite.ts";
import { blockFormats, decodeRow } from "../../src/blocks/formats.ts";
import { Lfm2Error } from "../../src/lfm2-error.ts";

/** Bytes of which exponents of all ones are made, often. */
const telling = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 255 }) },
  { weight: 1, arbitrary: fc.constantFrom(0x7c, 0x7e, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff) },
);

describe.each(Object.values(blockFormats))("firstNonFinite in $name", (format) => {
  it("is the first weight that decoding gives as one", () => {
    // Enough blocks that a float's have whole vectors before and after the one in question.
    const blocks = fc.array(telling, { minLength: 40 * format.blockBytes, maxLength: 40 * format.blockBytes });
    const runs = { found: 0, none: 0 };
    fc.assert(
      fc.property(blocks, fc.nat(39), (numbers, from) => {
        const bytes = Uint8Array.from(numbers);
        // Random scales are rarely all finite: those before `from` are made so.
        for (let block = 0; block < from; block++)
          bytes.fill(0, block * format.blockBytes, (block + 1) * format.blockBytes);
        const weights = new Float32Array(40 * format.blockLength);
        decodeRow(format, bytes, 0, weights, weights.length);
        const first = weights.findIndex((weight) => !Number.isFinite(weight));
        expect(firstNonFinite(format, bytes)).toBe(first);
        if (first < 0) runs.none++;
        else runs.found++;
      }),
      { numRuns: 60 },
    );
    expect(runs.found).toBeGreaterThan(0);
  });
});

describe("nonFinite", () => {
  const nan = Uint8Array.of(0, 0, 0, 0, 0, 0, 0xc0, 0x7f);

  it.each([
    [[8], "column 5"],
    [[4, 2], "row 2, column 1"],
    [[2, 2, 2], "expert 1, row 0, column 1"],
    [[4, 1, 2], "expert 2, row 0, column 1"],
  ])("says where in a tensor %j the weight stands", (shape, place) => {
    expect(new Lfm2Error(nonFinite({ name: "w", shape }, "F32", nan, 16, 1)).message).toBe(
      `w: expected finite weights, found NaN at ${place}. ` +
        "The file is damaged, or its model's training diverged; take another copy.",
    );
  });

  it("blames a block's scale", () => {
    const blocks = new Uint8Array(36);
    // −∞, times −8.
    blocks.set([0x00, 0xfc], 18);
    expect(new Lfm2Error(nonFinite({ name: "w", shape: [2, 64] }, "Q4_0", blocks, 36, 32)).message).toBe(
      "w: expected finite weights, found Infinity at row 1, column 32, from a scale of its Q4_0 block. " +
        "The file is damaged, or its model's training diverged; take another copy.",
    );
  });
});
