// How much the K-quants lose, beside llama.cpp's own.
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { blockFormats, decodeRow, encodeBlocks } from "../../src/blocks/formats.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { diskFolder } from "../../src/sources/disk.ts";
import { closeAll, floatsOf, goldenFolder } from "../formats/golden-files.ts";

type KQuant = "Q4_K" | "Q5_K" | "Q6_K";

/**
 * The sum of squared errors of libggml-base (node-llama-cpp 3.22.1), plain and weighed by the importances its search
 * uses. Made by golden/make/k_quant_losses.py.
 */
const llamaCpp: readonly [set: string, format: KQuant, squares: number, weighed: number][] = [
  ["uniform", "Q4_K", 65.2362, 68.6836],
  ["uniform", "Q5_K", 16.687, 17.6613],
  ["uniform", "Q6_K", 3.81992, 1.04421],
  ["bell", "Q4_K", 412.603, 844.354],
  ["bell", "Q5_K", 105.847, 219.345],
  ["bell", "Q6_K", 25.3912, 25.0408],
  ["peaked", "Q4_K", 17.6581, 5.56783],
  ["peaked", "Q5_K", 4.60031, 1.47171],
  ["peaked", "Q6_K", 1.14567, 0.026848],
  ["shifted", "Q4_K", 191.865, 612.384],
  ["shifted", "Q5_K", 47.8007, 154.231],
  ["shifted", "Q6_K", 35.8774, 86.1811],
  ["trained", "Q4_K", 1.51343, 0.208571],
  ["trained", "Q5_K", 0.388684, 0.0541813],
  ["trained", "Q6_K", 0.0932054, 0.000418519],
];

/** 65,536 numbers in [-1, 1), as golden/make/k_quant_losses.py draws them. */
function uniform(seed: number): Float64Array {
  let state = Number((BigInt(seed) * 2654435761n) % 4294967296n);
  return Float64Array.from({ length: 65536 }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 8) / 2 ** 23 - 1;
  });
}

const sets = new Map<string, Float32Array>();
beforeAll(async () => {
  const [a, b, c, d] = [1, 2, 3, 4].map(uniform);
  sets.set("uniform", Float32Array.from(a));
  sets.set(
    "bell",
    Float32Array.from(a, (x, i) => x + b[i] + c[i] + d[i]),
  );
  sets.set(
    "peaked",
    Float32Array.from(a, (x, i) => x * b[i] * c[i]),
  );
  sets.set(
    "shifted",
    Float32Array.from(a, (x, i) => x + b[i] + 1.5),
  );
  const checkpoint = await openCheckpoint(diskFolder(join(goldenFolder, "nano/hf")), undefined);
  sets.set("trained", await floatsOf(checkpoint, "model.layers.3.conv.in_proj.weight"));
  await closeAll(checkpoint);
});

function recoded(name: KQuant, weights: Float32Array): Float32Array {
  const back = new Float32Array(weights.length);
  decodeRow(blockFormats[name], encodeBlocks(blockFormats[name], weights), 0, back, weights.length);
  return back;
}

/** Sum of squared errors, plain and weighed as llama.cpp weighs them. */
function losses(name: KQuant, weights: Float32Array): [squares: number, weighed: number] {
  const back = recoded(name, weights);
  let squares = 0;
  let weighed = 0;
  for (let begin = 0; begin < weights.length; begin += 32) {
    const run = weights.subarray(begin, begin + 32);
    const rootMeanSquare = Math.sqrt(run.reduce((sum, x) => sum + x * x, 0) / 32);
    run.forEach((x, i) => {
      const square = (back[begin + i] - x) ** 2;
      squares += square;
      weighed += square * (name === "Q6_K" ? x * x : rootMeanSquare + Math.abs(x));
    });
  }
  return [squares, weighed];
}

describe("K-quants lose no more than llama.cpp's, plain and weighed", () => {
  for (const [set, name, squares, weighed] of llamaCpp) {
    it(`${name} of ${set} weights`, () => {
      const [ours, oursWeighed] = losses(name, sets.get(set) as Float32Array);
      expect(ours).toBeLessThanOrEqual(squares);
      expect(oursWeighed).toBeLessThanOrEqual(weighed);
    });
  }
});

describe("K-quants", () => {
  for (const [name, share] of [
    ["Q4_K", 15],
    ["Q5_K", 31],
    ["Q6_K", 31],
  ] as const) {
    it(`keep every ${name} weight within a step of its block's range`, () => {
      const weights = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 256, maxLength: 256 });
      fc.assert(
        fc.property(weights, (list) => {
          const block = Float32Array.from(list);
          const back = recoded(name, block);
          // A step of the block with the largest range bounds that of all, but for the scales' own rounding.
          const range = Math.max(0, ...list) - Math.min(0, ...list);
          const step = (1.05 * range) / share;
          block.forEach((x, i) => {
            expect(Math.abs(back[i] - x)).toBeLessThanOrEqual(step + 1e-5);
          });
        }),
        { numRuns: 50 },
      );
    });

    it(`give finite ${name} weights for the smallest and for large ones`, () => {
      for (const scale of [1e-45, 1e-38, 1e-20, 1e-7, 1e3]) {
        const block = Float32Array.from({ length: 256 }, (_, i) => scale * Math.sin(i + 1));
        expect(recoded(name, block).every(Number.isFinite)).toBe(true);
      }
    });
  }
});
