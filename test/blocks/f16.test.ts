import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { f16ToF32, f32ToF16 } from "../../src/blocks/f16.ts";

const float32 = fc.float({ noNaN: true });

describe("f16ToF32", () => {
  it("gives all 65,536 halves the value IEEE 754 defines", () => {
    for (let bits = 0; bits < 65536; bits++) {
      const sign = bits >> 15 ? -1 : 1;
      const exponent = Math.floor(bits / 1024) % 32;
      const fraction = (bits % 1024) / 1024;
      const defined =
        exponent === 31
          ? fraction === 0
            ? sign * Number.POSITIVE_INFINITY
            : Number.NaN
          : exponent === 0
            ? sign * 2 ** -14 * fraction
            : sign * 2 ** (exponent - 15) * (1 + fraction);
      expect(f16ToF32(bits)).toBe(defined);
    }
  });
});

describe("f32ToF16", () => {
  it("gives every half its own bits back", () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = f16ToF32(bits);
      if (!Number.isNaN(value)) expect(f32ToF16(value)).toBe(bits);
    }
  });

  it("chooses the nearest half, and the even one of two as near", () => {
    const inRange = fc.float({ min: -65504, max: 65504, noNaN: true });
    fc.assert(
      fc.property(inRange, (x) => {
        const bits = f32ToF16(x);
        const error = Math.abs(f16ToF32(bits) - x);
        for (const other of [bits - 1, bits + 1]) {
          if ((other & 0x7fff) > 0x7c00 || other >> 15 !== bits >> 15) continue;
          const otherError = Math.abs(f16ToF32(other) - x);
          expect(error < otherError || (error === otherError && (bits & 1) === 0)).toBe(true);
        }
      }),
      { numRuns: 20000 },
    );
  });

  it("breaks ties to even between neighbours, normal and subnormal", () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const middle = (f16ToF32(bits) + f16ToF32(bits + 1)) / 2; // a float32: one bit more than a half has
      const even = bits + (bits & 1);
      expect(f32ToF16(middle)).toBe(even);
      expect(f32ToF16(-middle)).toBe(even | 0x8000);
    }
  });

  it("goes to infinity from 65520 on, halfway past the largest half", () => {
    expect(f32ToF16(65519.99609375)).toBe(0x7bff);
    expect(f32ToF16(65520)).toBe(0x7c00);
    expect(f32ToF16(-3e38)).toBe(0xfc00);
    expect(f32ToF16(Number.POSITIVE_INFINITY)).toBe(0x7c00);
  });

  it("keeps NaN a NaN and the sign of zero", () => {
    expect(f16ToF32(f32ToF16(Number.NaN))).toBeNaN();
    expect(f32ToF16(0)).toBe(0);
    expect(f32ToF16(-0)).toBe(0x8000);
  });

  it("is monotonic", () => {
    fc.assert(
      fc.property(float32, float32, (a, b) => {
        const [low, high] = a <= b ? [a, b] : [b, a];
        expect(f16ToF32(f32ToF16(low))).toBeLessThanOrEqual(f16ToF32(f32ToF16(high)));
      }),
    );
  });
});
