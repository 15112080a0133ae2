// What a block format is: its name, its size, and how its blocks are read and written.

export type FormatName =
  | "F32"
  | "F16"
  | "BF16"
  | "Q4_0"
  | "Q4_1"
  | "Q5_0"
  | "Q5_1"
  | "Q8_0"
  | "Q2_K"
  | "Q3_K"
  | "Q4_K"
  | "Q5_K"
  | "Q6_K"
  | "IQ4_NL"
  | "IQ4_XS"
  | "MXFP4";

/** How a run of weights is packed. Every value is the float32 that gguf-py's dequantize gives. */
export interface BlockFormat {
  readonly name: FormatName;
  /** The number GGUF files store for it. */
  readonly ggmlType: number;
  /** Weights in a block. */
  readonly blockLength: number;
  readonly blockBytes: number;
  /** One block at `bytes[offset]` → `blockLength` weights at `to[at]`. */
  decode(bytes: Uint8Array, offset: number, to: Float32Array, at: number): void;
  /** `count` blocks at once, for formats whose block is one weight and a call for each would be all overhead. */
  decodeRun?(bytes: Uint8Array, offset: number, to: Float32Array, at: number, count: number): void;
  /** One block: `blockLength` weights at `from[at]` → `bytes[offset]`. Absent where nothing here writes the format. */
  encode?(from: Float32Array, at: number, bytes: Uint8Array, offset: number): void;
  /** `count` blocks at once, where there is a `decodeRun`. */
  encodeRun?(from: Float32Array, at: number, bytes: Uint8Array, offset: number, count: number): void;
}
