// F16: IEEE half precision, 2 bytes. And BF16: the upper half of a float32.
//
//   F16   15        14 … 10        9 … 0
//         ├ sign ┤├ exponent + 15 ┤├ fraction ┤
//   BF16  15        14 … 7         6 … 0
//         ├ sign ┤├ exponent + 127 ┤├ fraction ┤

/** Exact, subnormals, infinities and NaN included. */
@inline
export function f16ToF32(h: u32): f32 {
  // Shifting the fields into place leaves the exponent 112 too small; the product with 2¹¹² mends it, subnormals too.
  const magnitude = reinterpret<f32>((h & 0x7fff) << 13) * reinterpret<f32>(0x77800000);
  const bits = reinterpret<u32>(magnitude) | ((h & 0x8000) << 16);
  // Exponent 31 is infinity or NaN: it has to become 255.
  return reinterpret<f32>((h & 0x7c00) == 0x7c00 ? bits | 0x7f800000 : bits);
}

@inline
export function loadF16(address: usize): f32 {
  return f16ToF32(load<u16>(address));
}

/** Rounded to nearest, ties to even; saturates at ±65504. NaN stays NaN. */
export function f32ToF16(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  const sign = (bits >> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477fe000) return sign | 0x7bff;
  if (magnitude < 0x38800000) {
    // Subnormal: adding 0.5 makes the hardware round at bit 2⁻²⁴.
    return sign | (reinterpret<u32>(reinterpret<f32>(magnitude) + <f32>0.5) - 0x3f000000);
  }
  const odd = (magnitude >> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >> 13);
}

export function decodeF16(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i++) store<f32>(to + (i << 2), loadF16(from + (i << 1)));
}

export function decodeBF16(to: usize, from: usize, cols: i32): void {
  for (let i = 0; i < cols; i += 4) {
    v128.store(to + (i << 2), i32x4.shl(v128.load16x4_u(from + (i << 1)), 16));
  }
}
