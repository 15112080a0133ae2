// Q5_0 and Q5_1: 32 weights to a block, 5 bits each: the nibbles of Q4 and a word of fifth bits.
//
//   Q5_0, 22 bytes, weight[i] = d · (nibble[i] + 16 · bit[i] − 16)
//   byte  0         2            6        7                 21
//         ├─ d f16 ─┼─ 32 bits ──┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤     high nibble | low nibble
//
//   Q5_1, 24 bytes, weight[i] = d · (nibble[i] + 16 · bit[i]) + m
//   byte  0         2         4            8        9                 23
//         ├─ d f16 ─┼─ m f16 ─┼─ 32 bits ──┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤
//
import {
  bias,
  fifthBits,
  halvesMask,
  halvesScale,
  highNibbles,
  lowNibbles,
  nibbleMask,
  splatHalf,
  storeAffine,
  storeScaled,
  upperHalves,
} from "../widen";

export const Q5_0: i32 = 6;
export const Q5_1: i32 = 7;

export function decodeQ5_0(to: usize, from: usize, cols: i32): void {
  const upper = upperHalves();
  const offset = bias(16);
  const mask = halvesMask();
  const scale = halvesScale();
  const nibbles = nibbleMask();
  for (let i = 0; i < cols; i += 32) {
    const d = splatHalf(from, mask, scale);
    const bits = load<u32>(from, 2);
    const q = v128.load(from, 6);
    storeScaled(to, v128.or(lowNibbles(q, nibbles), fifthBits(bits)), upper, offset, d);
    storeScaled(to + 64, v128.or(highNibbles(q, nibbles), fifthBits(bits >> 16)), upper, offset, d);
    from += 22;
    to += 128;
  }
}

export function decodeQ5_1(to: usize, from: usize, cols: i32): void {
  const upper = upperHalves();
  const offset = bias(0);
  const mask = halvesMask();
  const scale = halvesScale();
  const nibbles = nibbleMask();
  for (let i = 0; i < cols; i += 32) {
    const d = splatHalf(from, mask, scale);
    const m = splatHalf(from + 2, mask, scale);
    const bits = load<u32>(from, 4);
    const q = v128.load(from, 8);
    storeAffine(to, v128.or(lowNibbles(q, nibbles), fifthBits(bits)), upper, offset, d, m);
    storeAffine(to + 64, v128.or(highNibbles(q, nibbles), fifthBits(bits >> 16)), upper, offset, d, m);
    from += 24;
    to += 128;
  }
}
