// What the dot product of relaxed SIMD makes of bytes above 127.
//
// WebAssembly defines it for 7 bits in the second operand and leaves the eighth to engines: each always does the same, but
// not the same as others. It also tells which instructions an engine has for it, and with that which build is fast:
//
//   unsigned    exact                 vpdpbusd: x86 with AVX-VNNI
//   signed      exact                 sdot, or its parts without DOTPROD: ARM. vpdpbssd: x86 with AVX-VNNI-INT8
//   saturating  sums of two to 16 bits, and no more than those can hold: pmaddubsw and others, five in all; x86 without

export type DotProduct = "unsigned" | "signed" | "saturating";

let known: DotProduct | undefined;

/** Asks the engine once. One that compiles nothing counts as saturating: whatever is compiled later suits every engine. */
export function dotProductOfBytes(): DotProduct {
  known ??= measured();
  return known;
}

export function takesWholeBytes(dotProduct: DotProduct): boolean {
  return dotProduct !== "saturating";
}

function measured(): DotProduct {
  let dot: (q: number, w: number) => number;
  try {
    dot = new WebAssembly.Instance(new WebAssembly.Module(DOT)).exports.dot as typeof dot;
  } catch {
    return "saturating";
  }
  const isAlways = (meaning: (byte: number) => number): boolean =>
    [-127, 127].every((q) => [128, 255].every((w) => dot(q, w) === 4 * q * meaning(w)));
  if (isAlways((byte) => byte)) return "unsigned";
  return isAlways((byte) => byte - 256) ? "signed" : "saturating";
}

/** A module whose one function has each of two bytes 16 times, and returns a lane of their dot product. */
const DOT = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0], // "\0asm", version 1
  ...[1, 7, 1, 96, 2, 127, 127, 1, 127], // type (i32, i32) → i32
  ...[3, 2, 1, 0], // one function of that type
  ...[7, 7, 1, 3, 100, 111, 116, 0, 0], // exported as "dot"
  ...[10, 22, 1, 20, 0, 32, 0, 253, 15, 32, 1, 253, 15], // i8x16.splat of each parameter
  ...[65, 0, 253, 17, 253, 147, 2, 253, 27, 0, 11], // i32x4.relaxed_dot_i8x16_i7x16_add_s on 0, extract_lane
);
