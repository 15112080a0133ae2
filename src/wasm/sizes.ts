// Sizes that memory is planned by, and numbers that kernels know types by: what assembly/sizes.ts exports.
import type { KvType } from "../ops/backend.ts";
import { type Sizes, sizesModule } from "./compiled.ts";
import { instantiateAlone } from "./instantiate.ts";

const sizes = instantiateAlone<Sizes>(Uint8Array.from(atob(sizesModule), (byte) => byte.charCodeAt(0)));

export const { activationBytes, attentionScratch, floatScratch, kvHeadBytes, stripBytes } = sizes;

/** Whether a format, by its ggml type, has an integer dot product: matrices in it are packed. */
export function hasIntegerDot(ggmlType: number): boolean {
  return stripBytes(ggmlType, 256) > 0;
}

/** Values of a block of int8 activations. */
export const BLOCK_LENGTH = sizes.BLOCK_LENGTH.value;
/** Rows that are packed together. */
export const STRIP_ROWS = sizes.STRIP_ROWS.value;
/** Tokens that are multiplied together, and bytes of scratch that it takes. */
export const TILE_TOKENS = sizes.TILE_TOKENS.value;
export const TILE_SCRATCH = sizes.TILE_SCRATCH.value;

export const kvTypes: Readonly<Record<KvType, number>> = {
  f32: sizes.KV_F32.value,
  f16: sizes.KV_F16.value,
  int8: sizes.KV_INT8.value,
};
