import { describe, expect, it } from "vitest";
import { blockFormats, decodeRow, type FormatName } from "../../src/blocks/formats.ts";
import { expandSeed, xoshiro128 } from "../../src/sampling/random.ts";
import { createPool } from "../../src/synth/pool.ts";
import { randomBlocks } from "../../src/synth/random-blocks.ts";

const formats: readonly FormatName[] = ["F32", "F16", "BF16", "Q4_0", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"];
const WEIGHTS = 1 << 18;

describe("random blocks", () => {
  for (const name of formats) {
    const format = blockFormats[name];
    const make = (deviation: number, seed = 3) =>
      randomBlocks(name, deviation, WEIGHTS / format.blockLength, xoshiro128(expandSeed(seed)));

    it(`of ${name} have the deviation asked for, and mean 0 in every row`, () => {
      for (const deviation of [0.02, 1]) {
        const weights = new Float32Array(WEIGHTS);
        decodeRow(format, make(deviation), 0, weights, WEIGHTS);
        const rows = Array.from({ length: WEIGHTS / 2048 }, (_, r) => weights.subarray(2048 * r, 2048 * (r + 1)));
        const sums = rows.map((row) => row.reduce((sum, x) => sum + x, 0));
        const squares = weights.reduce((sum, x) => sum + x * x, 0);
        // 3 %: the scales of 1,024 blocks are drawn from ±50 %.
        expect(Math.abs(Math.sqrt(squares / WEIGHTS) / deviation - 1)).toBeLessThan(0.03);
        // The sum of 2048 independent weights is √2048 deviations; a mean of half a code would be five times that.
        const typical = Math.sqrt(sums.reduce((sum, x) => sum + x * x, 0) / rows.length);
        expect(typical / deviation / Math.sqrt(2048)).toBeLessThan(1.5);
      }
    });

    it(`of ${name} are finite, and never hold the code −128`, () => {
      const bytes = make(0.02);
      const weights = new Float32Array(WEIGHTS);
      decodeRow(format, bytes, 0, weights, WEIGHTS);
      expect(weights.every(Number.isFinite)).toBe(true);
      if (name !== "Q8_0") return;
      for (let at = 0; at < bytes.length; at += 34) expect(bytes.subarray(at + 2, at + 34)).not.toContain(0x80);
    });
  }
});

describe("a pool of blocks", () => {
  it("has no two rows alike in one tensor, though it goes round", () => {
    const pool = createPool("Q4_0", 1, 5000, xoshiro128(expandSeed(1)));
    for (const rowBlocks of [8, 24, 28, 7 * 8]) {
      const rows = Math.floor(5000 / rowBlocks) * 3;
      const bytes = Buffer.concat([...pool.take(rows * rowBlocks * 18)]);
      expect(bytes.length).toBe(rows * rowBlocks * 18);
      const seen = new Set<string>();
      for (let at = 0; at < bytes.length; at += rowBlocks * 18)
        seen.add(bytes.toString("latin1", at, at + rowBlocks * 18));
      expect(seen.size).toBe(rows);
    }
  });
});
