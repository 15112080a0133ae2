// What a block format is: its name, its size, and how its blocks are read and written.

/** A little-endian u16 of a block. All its weights are finite unless every bit of `mask` is set in it. */
export interface Exponent {
  readonly offset: number;
  readonly mask: number;
}

/** A scale in half precision: no product of a finite one and a block's integers leaves float32. */
export const half = (offset: number): Exponent => ({ offset, mask: 0x7c00 });
/** A BF16, or the upper half of a float32. */
export const upper = (offset: number): Exponent => ({ offset, mask: 0x7f80 });

/** How a run of weights is packed. Every value is the float32 that gguf-py's dequantize gives. */
export interface BlockFormat<Name extends string = string> {
  readonly name: Name;
  /** The number GGUF files store for it. */
  readonly ggmlType: number;
  /** Weights in a block. */
  readonly blockLength: number;
  readonly blockBytes: number;
  /** The few bits that can make a weight infinite or NaN. */
  readonly exponents: readonly Exponent[];
  /** One block at `bytes[offset]` → `blockLength` weights at `to[at]`. */
  decode(bytes: Uint8Array, offset: number, to: Float32Array, at: number): void;
  /** `count` blocks at once, for formats whose block is one weight and a call for each would be all overhead. */
  decodeRun?(bytes: Uint8Array, offset: number, to: Float32Array, at: number, count: number): void;
  /** One block: `blockLength` weights at `from[at]` → `bytes[offset]`. Absent where nothing here writes the format. */
  encode?(from: Float32Array, at: number, bytes: Uint8Array, offset: number): void;
  /** `count` blocks at once, where there is a `decodeRun`. */
  encodeRun?(from: Float32Array, at: number, bytes: Uint8Array, offset: number, count: number): void;
}
