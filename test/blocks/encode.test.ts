import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { f16ToF32, f32ToF16 } from "../../src/blocks/f16.ts";
import { blockFormats, decodeRow, encodeBlocks } from "../../src/blocks/formats.ts";

const { F32, F16, BF16, Q8_0, Q4_K } = blockFormats;

function decoded(format: typeof F32, bytes: Uint8Array, length: number): Float32Array {
  const weights = new Float32Array(length);
  decodeRow(format, bytes, 0, weights, length);
  return weights;
}

const floats = (length: number) =>
  fc.float32Array({ minLength: length, maxLength: length, noNaN: true, noDefaultInfinity: true });

describe("encoding", () => {
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
    expect(() => encodeBlocks(Q4_K, new Float32Array(256))).toThrow(
      "Q4_K: expected a format with an encoder (F32, F16, BF16, Q8_0)",
    );
  });
});
