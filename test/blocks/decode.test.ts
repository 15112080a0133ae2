import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BlockFormat } from "../../src/blocks/block-format.ts";
import { blockFormats, decodeRow, type FormatName, rowBytes } from "../../src/blocks/formats.ts";
import { formulas } from "./formulas.ts";

/**
 * SHA-256 of what gguf-py 0.19.0's dequantize gives (numpy 2.4.6) for 4096 blocks of `randomBytes`, every NaN
 * made 0x7fc00000. Among the random scales are infinities, NaN and subnormals.
 */
const dequantized: Readonly<Record<FormatName, string>> = {
  F32: "6faafe96f9e77e57d43b84d91b9d88dc98e06fa264afea73123575a6df56c91f",
  F16: "0a122b5da039eba5d79b06f1ce3032e400b17e36c63fdd7c7cafa40b51aaebfb",
  BF16: "ee70a3571bc664389ed0d28a889477fa2f3a6a7f9a0acb0d0b232f148e9d6431",
  Q4_0: "f352fcfd91e71142e484ddb59586adb9499b18e6b8af26429312be22fc8e499e",
  Q4_1: "b783722601ba4396d480fab74bde86093437ca9e054ec8e37b07f239d541779b",
  Q5_0: "e04ca6e3a5b89e61f88e436c0399d0cac9d31968bc9840248085cdf03b0394a1",
  Q5_1: "e434756c35b9ac54f46ea42d72d01aeb313a083a39ee451a4ee1e363dbe77234",
  Q8_0: "05d6bf9bddee270ae660eef5ebab5dd2c971f1a85d853a9ef41835340b189aa3",
  Q2_K: "d44efdec34d68177bede2433b2e3f18e1f81b9ba6a0e07d51e931521581d9715",
  Q3_K: "8e7ae129cd4b85b19113631cb8d8f369e20f36e34e5059cbb1a1c4acb790c98c",
  Q4_K: "92e2a41e75bb30b64dda3febd14f69a97eea56ae7707760971e19e7be2f2e216",
  Q5_K: "7dd57920fccbe6772f2b31ce73ad2bda601a87f1711232ea5eee021d5725d32b",
  Q6_K: "0a376f2e1c115759dd5096cfae20bdbe47abdeb35c9566b4e50b94eb9264063b",
  IQ4_NL: "038ea3444f87fa32c397a8a108a160e11fe97fe26499bde418c0c1d684ef3275",
  IQ4_XS: "8e54207180b0877e91bb8c028893a9a1d3f62281a6953a5f6e664a2511d68ce2",
  MXFP4: "f4b2c557101cafd330cab6148761f0bc9a3410e96736790629430ec606ce6ba6",
};

/** The top byte of each state of a xorshift generator, seeded by the format's ggml type. */
function randomBytes(format: BlockFormat, blocks: number): Uint8Array {
  let state = Number((BigInt(format.ggmlType) * 2654435761n) % 4294967296n) || 1;
  return Uint8Array.from({ length: blocks * format.blockBytes }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  });
}

for (const format of Object.values(blockFormats)) {
  describe(`decoding ${format.name}`, () => {
    it("gives the bits that gguf-py gives", () => {
      const weights = new Float32Array(4096 * format.blockLength);
      decodeRow(format, randomBytes(format, 4096), 0, weights, weights.length);
      const words = new Uint32Array(weights.buffer);
      for (let i = 0; i < words.length; i++) if (Number.isNaN(weights[i])) words[i] = 0x7fc00000;
      const hash = createHash("sha256").update(new Uint8Array(weights.buffer)).digest("hex");
      expect(hash).toBe(dequantized[format.name]);
    });

    it("gives each weight what the format's formula says", () => {
      const blocks = fc.uint8Array({ minLength: format.blockBytes, maxLength: format.blockBytes });
      fc.assert(
        fc.property(blocks, (block) => {
          const weights = new Float32Array(format.blockLength);
          format.decode(block, 0, weights, 0);
          expect(weights).toEqual(Float32Array.from(weights, (_, i) => formulas[format.name](block, i)));
        }),
        { numRuns: 200 },
      );
    });

    it("writes one block and nothing around it, wherever it begins", () => {
      const bytes = randomBytes(format, 3);
      const around = new Float32Array(format.blockLength + 2).fill(7);
      format.decode(bytes, format.blockBytes, around, 1);
      const alone = new Float32Array(format.blockLength);
      format.decode(bytes.slice(format.blockBytes, 2 * format.blockBytes), 0, alone, 0);
      expect(around).toEqual(Float32Array.of(7, ...alone, 7));
    });

    it("decodes a row as its blocks one by one", () => {
      const cols = 3 * format.blockLength;
      const offset = 1;
      const bytes = Uint8Array.of(0, ...randomBytes(format, 3));
      const row = new Float32Array(cols + 1).fill(7);
      decodeRow(format, bytes, offset, row, cols);
      const blocks = new Float32Array(cols + 1).fill(7);
      for (let b = 0; b < 3; b++) {
        format.decode(bytes, offset + b * format.blockBytes, blocks, b * format.blockLength);
      }
      expect(row).toEqual(blocks);
      expect(offset + rowBytes(format, cols)).toBe(bytes.length);
    });
  });
}
