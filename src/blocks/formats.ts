// The block formats a weight may be stored in, by name and by ggml type id, and a row of any of them.

import type { BlockFormat } from "./block-format.ts";
import { BF16, F16, F32 } from "./floats.ts";
import { IQ4_NL, IQ4_XS } from "./iq4.ts";
import { MXFP4 } from "./mxfp4.ts";
import { Q2_K } from "./q2_k.ts";
import { Q3_K } from "./q3_k.ts";
import { Q4_0, Q4_1 } from "./q4.ts";
import { Q4_K, Q5_K } from "./q4_k.ts";
import { Q5_0, Q5_1 } from "./q5.ts";
import { Q6_K } from "./q6_k.ts";
import { Q8_0 } from "./q8_0.ts";

const table = {
  F32,
  F16,
  BF16,
  Q4_0,
  Q4_1,
  Q5_0,
  Q5_1,
  Q8_0,
  Q2_K,
  Q3_K,
  Q4_K,
  Q5_K,
  Q6_K,
  IQ4_NL,
  IQ4_XS,
  MXFP4,
};

export type FormatName = keyof typeof table;

export const blockFormats: { readonly [Name in FormatName]: BlockFormat<Name> } = table;

const byGgmlType = new Map(Object.values(blockFormats).map((format) => [format.ggmlType, format]));

/** The format of a ggml type id, or undefined when this project cannot decode it. */
export function formatOfGgmlType(id: number): BlockFormat<FormatName> | undefined {
  return byGgmlType.get(id);
}

/** ggml types that exist but are not decoded here; a refusal names them. Source: ggml.h, enum ggml_type. */
const otherGgmlTypes: Readonly<Record<number, string>> = {
  4: "Q4_2",
  5: "Q4_3",
  9: "Q8_1",
  15: "Q8_K",
  16: "IQ2_XXS",
  17: "IQ2_XS",
  18: "IQ3_XXS",
  19: "IQ1_S",
  21: "IQ3_S",
  22: "IQ2_S",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  29: "IQ1_M",
  31: "Q4_0_4_4",
  32: "Q4_0_4_8",
  33: "Q4_0_8_8",
  34: "TQ1_0",
  35: "TQ2_0",
  36: "IQ4_NL_4_4",
  37: "IQ4_NL_4_8",
  38: "IQ4_NL_8_8",
  40: "NVFP4",
  41: "Q1_0",
  42: "Q2_0",
};

/** "Q4_K", "IQ2_XXS", or "ggml type 99" for an id nobody has defined. */
export function ggmlTypeName(id: number): string {
  return byGgmlType.get(id)?.name ?? otherGgmlTypes[id] ?? `ggml type ${id}`;
}

/** Bytes of a row of `cols` weights. Given: cols % format.blockLength == 0. */
export function rowBytes(format: BlockFormat, cols: number): number {
  return (cols / format.blockLength) * format.blockBytes;
}

/** A row of `cols` weights at `bytes[offset]` → `to[0 … cols)`. Given: cols % format.blockLength == 0. */
export function decodeRow(
  format: BlockFormat,
  bytes: Uint8Array,
  offset: number,
  to: Float32Array,
  cols: number,
): void {
  if (format.decodeRun) {
    format.decodeRun(bytes, offset, to, 0, cols / format.blockLength);
    return;
  }
  for (let at = 0; at < cols; at += format.blockLength, offset += format.blockBytes) {
    format.decode(bytes, offset, to, at);
  }
}

/** `cols` weights at `from[at]` → blocks at `bytes[offset]`. Given: the format has an encoder; whole blocks. */
export function encodeRow(
  format: BlockFormat,
  from: Float32Array,
  at: number,
  bytes: Uint8Array,
  offset: number,
  cols: number,
): void {
  if (format.encodeRun) {
    format.encodeRun(from, at, bytes, offset, cols / format.blockLength);
    return;
  }
  if (!format.encode) {
    const known = Object.values(blockFormats).filter(({ encode }) => encode);
    throw new TypeError(
      `${format.name}: expected a format with an encoder (${known.map(({ name }) => name).join(", ")})`,
    );
  }
  for (const end = at + cols; at < end; at += format.blockLength, offset += format.blockBytes) {
    format.encode(from, at, bytes, offset);
  }
}

/** `weights` in the given format. Given: the format has an encoder and weights.length % format.blockLength == 0. */
export function encodeBlocks(format: BlockFormat, weights: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(rowBytes(format, weights.length));
  encodeRow(format, weights, 0, bytes, 0, weights.length);
  return bytes;
}
