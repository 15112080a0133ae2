// A half as float32. Its bits, moved to where float32 has them, are the value · 2⁻¹¹², because the exponents have another bias.
@inline
export function half(address: usize): f32 {
  const bits = <u32>load<u16>(address);
  return reinterpret<f32>(((bits & 0x8000) << 16) | ((bits & 0x7fff) << 13)) * reinterpret<f32>(0x77800000);
}
