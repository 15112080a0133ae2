// F32, F16, BF16: one weight to a block, little-endian.
//
//   F32   4 bytes      BF16  2 bytes, the upper half of an F32      F16  2 bytes, see f16.ts

import { type BlockFormat, half, upper } from "./block-format.ts";
import { readF16, writeF16 } from "./f16.ts";

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

export const F32: BlockFormat<"F32"> = {
  name: "F32",
  ggmlType: 0,
  blockLength: 1,
  blockBytes: 4,
  exponents: [upper(2)],
  decode(bytes, offset, to, at) {
    bits[0] = bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) | (bytes[offset + 3] << 24);
    to[at] = float[0];
  },
  decodeRun(bytes, offset, to, at, count) {
    // Typed arrays are little-endian wherever WebAssembly runs; copying bytes keeps even a NaN's payload.
    const target = new Uint8Array(to.buffer, to.byteOffset + 4 * at, 4 * count);
    target.set(bytes.subarray(offset, offset + 4 * count));
  },
  encode(from, at, bytes, offset) {
    float[0] = from[at];
    for (let i = 0; i < 4; i++) bytes[offset + i] = bits[0] >>> (8 * i);
  },
  encodeRun(from, at, bytes, offset, count) {
    bytes.set(new Uint8Array(from.buffer, from.byteOffset + 4 * at, 4 * count), offset);
  },
};

export const F16: BlockFormat<"F16"> = {
  name: "F16",
  ggmlType: 1,
  blockLength: 1,
  blockBytes: 2,
  exponents: [half(0)],
  decode(bytes, offset, to, at) {
    to[at] = readF16(bytes, offset);
  },
  decodeRun(bytes, offset, to, at, count) {
    for (let i = 0; i < count; i++) to[at + i] = readF16(bytes, offset + 2 * i);
  },
  encode(from, at, bytes, offset) {
    writeF16(bytes, offset, from[at]);
  },
  encodeRun(from, at, bytes, offset, count) {
    for (let i = 0; i < count; i++) writeF16(bytes, offset + 2 * i, from[at + i]);
  },
};

export const BF16: BlockFormat<"BF16"> = {
  name: "BF16",
  ggmlType: 30,
  blockLength: 1,
  blockBytes: 2,
  exponents: [upper(0)],
  decode(bytes, offset, to, at) {
    bits[0] = (bytes[offset] << 16) | (bytes[offset + 1] << 24);
    to[at] = float[0];
  },
  decodeRun(bytes, offset, to, at, count) {
    const words = new Uint32Array(to.buffer, to.byteOffset + 4 * at, count);
    for (let i = 0; i < count; i++) words[i] = (bytes[offset + 2 * i] << 16) | (bytes[offset + 2 * i + 1] << 24);
  },
  encode(from, at, bytes, offset) {
    float[0] = from[at];
    // Nearest, ties to even; a NaN is made quiet, as rounding could carry it to ∞ (gguf-py quants.py, BF16).
    const nan = (bits[0] & 0x7fffffff) > 0x7f800000;
    const upper = nan ? (bits[0] >>> 16) | 64 : (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) >>> 16;
    bytes[offset] = upper;
    bytes[offset + 1] = upper >>> 8;
  },
  encodeRun(from, at, bytes, offset, count) {
    for (let i = 0; i < count; i++) BF16.encode?.(from, at + i, bytes, offset + 2 * i);
  },
};
