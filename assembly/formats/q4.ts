// Q4_0 and Q4_1: 32 weights to a block, 4 bits each.
//
//   Q4_0, 18 bytes, weight[i] = d · (nibble[i] − 8)
//   byte  0         2        3                 17
//         ├─ d f16 ─┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤     high nibble | low nibble
//
//   Q4_1, 20 bytes, weight[i] = d · nibble[i] + m
//   byte  0         2         4        5                 19
//         ├─ d f16 ─┼─ m f16 ─┼─ 16|0 ─┼─ 17|1 ─ …  ─ 31|15 ─┤
//
import {
  bias,
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

export const Q4_0: i32 = 2;
export const Q4_1: i32 = 3;

export function decodeQ4_0(to: usize, from: usize, cols: i32): void {
  const upper = upperHalves();
  const offset = bias(8);
  const mask = halvesMask();
  const scale = halvesScale();
  const nibbles = nibbleMask();
  for (let i = 0; i < cols; i += 32) {
    const d = splatHalf(from, mask, scale);
    const q = v128.load(from, 2);
    storeScaled(to, lowNibbles(q, nibbles), upper, offset, d);
    storeScaled(to + 64, highNibbles(q, nibbles), upper, offset, d);
    from += 18;
    to += 128;
  }
}

export function decodeQ4_1(to: usize, from: usize, cols: i32): void {
  const upper = upperHalves();
  const offset = bias(0);
  const mask = halvesMask();
  const scale = halvesScale();
  const nibbles = nibbleMask();
  for (let i = 0; i < cols; i += 32) {
    const d = splatHalf(from, mask, scale);
    const m = splatHalf(from + 2, mask, scale);
    const q = v128.load(from, 4);
    storeAffine(to, lowNibbles(q, nibbles), upper, offset, d, m);
    storeAffine(to + 64, highNibbles(q, nibbles), upper, offset, d, m);
    from += 20;
    to += 128;
  }
}
