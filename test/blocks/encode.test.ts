import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BlockFormat } from "../../src/blocks/block-format.ts";
import { f16ToF32, f32ToF16 } from "../../src/blocks/f16.ts";
import { blockFormats, decodeRow, encodeBlocks } from "../../src/blocks/formats.ts";

const { F32, F16, BF16, Q8_0, Q2_K } = blockFormats;

/** SHA-256 of what gguf-py 0.19.0's quantize gives (numpy 2.4.6) for `goldenWeights`. Made by golden/make/quantized.py. */
const quantized = {
  F32: "7ca42bde19900d6904fa0ab2b83fbfec79c519f404c07f4431588fb40c4d4943",
  F16: "6e3f4be7e458562e17e1ef0e5c7ed25e728b508bd56ead2ef75e490f19b57f24",
  BF16: "e74f363add5c13a53fdb821e25614487b32bcd18fa880aedae67092075aa254b",
  Q4_0: "ab32ea5075905be995f368f27708337bbc86bed274e28cce1d93f00e5ff87418",
  Q4_1: "95a509380a4d08baafc4ae5c96cffbeeb7c51a53832982e17c701ea67f98b2f2",
  Q5_0: "9230ed7a572e7c476cfa093e82748c9dc2ce3dd40c67eb6a64450c2c5b26434c",
  Q5_1: "541d6a18b8a02a5aef2b25d60419be48d8756c0311f7fe87cf115f50b18ed2b2",
  Q8_0: "d80b88c77e3e9c92e7629618cb2cf78606943b0181b358c883de15074a1fe627",
} as const;

/** The five kinds of blocks that golden/make/quantized.py draws. */
function goldenWeights(): Float32Array {
  let state = 2654435761;
  const signed = Float64Array.from({ length: 2048 * 32 }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 8) - 2 ** 23;
  });
  return Float32Array.from(signed, (number, i) => {
    const b = Math.floor(i / 32);
    const first = signed[32 * b];
    if (b % 5 === 0) return number / 2 ** (45 - (b % 32));
    if (b % 5 === 1) return Math.floor(number / 2 ** 16) / 8;
    if (b % 5 === 2) return (number + 2 ** 23) / 2 ** 24 + 0.25;
    return b % 5 === 4 || i % 32 === b % 32 ? first / 2 ** 24 : 0;
  });
}

function decoded(format: BlockFormat, bytes: Uint8Array, length: number): Float32Array {
  const weights = new Float32Array(length);
  decodeRow(format, bytes, 0, weights, length);
  return weights;
}

const floats = (length: number) =>
  fc.float32Array({ minLength: length, maxLength: length, noNaN: true, noDefaultInfinity: true });

describe("encoding", () => {
  for (const name of Object.keys(quantized) as (keyof typeof quantized)[]) {
    it(`gives the bytes that gguf-py gives in ${name}`, () => {
      const bytes = encodeBlocks(blockFormats[name], goldenWeights());
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(quantized[name]);
    });
  }

  for (const format of Object.values(blockFormats).filter(({ encode }) => encode)) {
    it(`writes one block of ${format.name} and nothing around it, whatever was there`, () => {
      const { blockLength, blockBytes } = format;
      const weights = goldenWeights().subarray(0, 3 * blockLength);
      const around = new Uint8Array(blockBytes + 2).fill(0xa5);
      format.encode?.(weights, blockLength, around, 1);
      const alone = encodeBlocks(format, weights.slice(blockLength, 2 * blockLength));
      expect(around).toEqual(Uint8Array.of(0xa5, ...alone, 0xa5));
    });

    it(`gives zeros for zeros in ${format.name}`, () => {
      const bytes = encodeBlocks(format, new Float32Array(2 * format.blockLength));
      expect(decoded(format, bytes, 2 * format.blockLength).map(Math.abs)).toEqual(
        new Float32Array(2 * format.blockLength),
      );
    });
  }

  it("keeps F32 as it is", () => {
    fc.assert(
      fc.property(floats(5), (w) => {
        expect(decoded(F32, encodeBlocks(F32, w), 5)).toEqual(w);
      }),
    );
  });

  it("rounds to F16 as f32ToF16 does", () => {
    fc.assert(
      fc.property(floats(5), (w) => {
        expect(decoded(F16, encodeBlocks(F16, w), 5)).toEqual(w.map((x) => f16ToF32(f32ToF16(x))));
      }),
    );
  });

  it("rounds to the nearest BF16, ties to even", () => {
    const upper = (word: number) => new Uint32Array(Float32Array.of(bits(word)).buffer)[0];
    const bits = (word: number) => new Float32Array(Uint32Array.of(word).buffer)[0];
    for (const [word, expected] of [
      [0x3f808000, 0x3f80], // a tie: 0x3f80 is even
      [0x3f818000, 0x3f82], // a tie: 0x3f81 is odd
      [0x3f808001, 0x3f81],
      [0x3f807fff, 0x3f80],
      [0x7f7fffff, 0x7f80], // past the largest: ∞
      [0xbf808001, 0xbf81],
      [0x00000001, 0x0000],
    ]) {
      const [weight] = decoded(BF16, encodeBlocks(BF16, Float32Array.of(bits(word))), 1);
      expect(upper(word)).toBe(word);
      expect(new Uint32Array(Float32Array.of(weight).buffer)[0] >>> 16).toBe(expected);
    }
    expect(decoded(BF16, encodeBlocks(BF16, Float32Array.of(bits(0x7f800001))), 1)[0]).toBeNaN();
  });

  it("keeps every BF16 value", () => {
    for (let upper = 0; upper < 65536; upper++) {
      const bytes = Uint8Array.of(upper & 255, upper >> 8);
      const weight = decoded(BF16, bytes, 1);
      if (!Number.isNaN(weight[0])) expect(encodeBlocks(BF16, weight)).toEqual(bytes);
    }
  });

  it("stays within half a step in Q8_0, but for what rounding d to a half adds", () => {
    const weights = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(weights, (list) => {
        const w = Float32Array.from(list);
        const bytes = encodeBlocks(Q8_0, w);
        const back = decoded(Q8_0, bytes, 64);
        for (let i = 0; i < 64; i++) {
          const block = w.subarray(i & 32, (i & 32) + 32);
          const d = Math.max(...block.map(Math.abs)) / 127;
          const dError = Math.abs(f16ToF32(f32ToF16(d)) - d);
          expect(Math.abs(back[i] - w[i])).toBeLessThanOrEqual(d * 0.500001 + 127 * dError);
        }
      }),
    );
  });

  it("rounds Q8_0's halves away from zero", () => {
    const w = new Float32Array(32);
    w.set([127, 2.5, -2.5, 3.5, -0.5, 0.49]); // d = 1
    expect([...encodeBlocks(Q8_0, w).subarray(2, 8)].map((q) => (q << 24) >> 24)).toEqual([127, 3, -3, 4, -1, 0]);
  });

  it("gives zeros for a Q8_0 block of zeros", () => {
    expect(encodeBlocks(Q8_0, new Float32Array(32))).toEqual(new Uint8Array(34));
  });

  it("refuses a format without an encoder by name", () => {
    expect(() => encodeBlocks(Q2_K, new Float32Array(256))).toThrow(
      "Q2_K: expected a format with an encoder (F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K)",
    );
  });
});
