// IEEE half precision to float32 and back, by bits.
//
//   bit  15   14    10   9           0
//        sign  exponent   mantissa         value = ±(1024 + mantissa) · 2^(exponent − 25)
//                                          exponent 0: ±mantissa · 2^−24       exponent 31: ±∞, NaN

/** 2^(exponent − 25) for exponent 1 … 30. */
const scale = Float64Array.from({ length: 31 }, (_, exponent) => 2 ** (exponent - 25));
const SMALLEST = 2 ** -24;

/** The value of 16 bits. Every half is a float32, so nothing is rounded. */
export function f16ToF32(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  let value: number;
  if (exponent === 0) value = mantissa * SMALLEST;
  else if (exponent < 31) value = (1024 + mantissa) * scale[exponent];
  else value = mantissa === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  return bits & 0x8000 ? -value : value;
}

/** The half stored at `bytes[offset]`, little-endian. */
export function readF16(bytes: Uint8Array, offset: number): number {
  return f16ToF32(bytes[offset] | (bytes[offset + 1] << 8));
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
/** Adding and subtracting 1.5 · 2⁵² rounds a double to the nearest integer, ties to even. */
const ROUND = 6755399441055744;

/** 16 bits of the half nearest to the float32 `x`, ties to even; 65520 and above give ∞. */
export function f32ToF16(x: number): number {
  float[0] = x;
  const sign = (bits[0] >>> 16) & 0x8000;
  const magnitude = bits[0] & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below 2^−14 halves are the multiples of 2^−24; a carry out of the last one gives the first normal's bits.
  if (magnitude < 0x38800000) return sign | (Math.abs(float[0]) / SMALLEST + ROUND - ROUND);
  // 13 mantissa bits go; 0xfff plus the last kept bit carries exactly when the rest is over a half, or at it and odd.
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** Stores the half nearest to `x` at `bytes[offset]`, little-endian. */
export function writeF16(bytes: Uint8Array, offset: number, x: number): void {
  const half = f32ToF16(x);
  bytes[offset] = half & 255;
  bytes[offset + 1] = half >> 8;
}
