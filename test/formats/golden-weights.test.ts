// The golden files that gguf-py encoded from known weights, decoded: each weight is at most half a step from its own.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FormatName } from "../../src/blocks/formats.ts";
import type { Checkpoint } from "../../src/formats/checkpoint.ts";
import { openCheckpoint } from "../../src/formats/open-checkpoint.ts";
import { diskFolder } from "../../src/sources/disk.ts";
import { closeAll, floatsOf, goldenFolder } from "./golden-files.ts";

/** The largest error encoding may leave, given a block of 32 weights. */
type Bound = (block: Float32Array) => number;

const largest = (block: Float32Array) => block.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
const range = (block: Float32Array) => Math.max(...block) - Math.min(...block);

// Scales and minima are stored as halves, off by up to 2^−11 of themselves, which the largest weight feels in full.
const HALF = 2 ** -11;

const bounds: Partial<Record<FormatName, Bound>> = {
  // d = largest / 8 with the largest weight's sign at −8, so the other end reaches 7 only: there a whole step is lost.
  Q4_0: (block) => largest(block) * (1 / 8 + HALF),
  Q4_1: (block) => range(block) * (1 / 30 + HALF) + largest(block) * HALF,
  Q5_0: (block) => largest(block) * (1 / 16 + HALF),
  Q5_1: (block) => range(block) * (1 / 62 + HALF) + largest(block) * HALF,
  Q8_0: (block) => largest(block) * (1 / 254 + HALF),
  // Steps of 2 at the top, and a scale that is a power of two: the largest weight may lie halfway between 6 and 8.
  MXFP4: (block) => largest(block) / 4,
};

describe("decoded golden weights stay as near their originals as the encoding allows", () => {
  let original: Checkpoint;
  beforeAll(async () => {
    original = await openCheckpoint(diskFolder(join(goldenFolder, "transformers/moe-wide-heads")), undefined);
  });
  afterAll(() => closeAll(original));

  for (const [format, bound] of Object.entries(bounds)) {
    it(format, async () => {
      const encoded = await openCheckpoint(diskFolder(join(goldenFolder, "gguf")), `${format}.gguf`);
      for (const [name, tensor] of encoded.tensors) {
        const weights = await floatsOf(original, name);
        const decoded = await floatsOf(encoded, name);
        if (tensor.format === "F32") {
          expect(decoded).toEqual(weights);
          continue;
        }
        let excess = 0;
        for (let i = 0; i < weights.length; i += 32) {
          const allowed = bound(weights.subarray(i, i + 32));
          for (let j = i; j < i + 32; j++) excess = Math.max(excess, Math.abs(decoded[j] - weights[j]) / allowed);
        }
        // Well above 0, so that a bound too wide to notice anything shows too.
        expect([name, excess > 0.5 && excess <= 1]).toEqual([name, true]);
      }
      await closeAll(encoded);
    });
  }
});
