// What a backend is asked to hold, and what it gives back. Types only.
import type { ConvState, ExpertIds, KvCache, Ops, Tensor, Weight } from "./ops.ts";

/**
 * How a weight is used: `matrix` by `linear` and `embed`; `router` by `linear`, always with float32 activations, since
 * rounding them could choose another expert; `vector` elementwise, so it is held in float32.
 */
export type WeightRole = "matrix" | "router" | "vector";

/** What the graph expects of one parameter. */
export interface WeightSpec {
  /** Hugging Face module path, without `.weight`. */
  readonly path: string;
  readonly role: WeightRole;
  readonly rows: number;
  readonly cols: number;
  readonly experts: number;
}

/** A weight as a backend is to hold it. */
export interface StoredWeight extends WeightSpec {
  /** Block format; F32 for vectors. */
  readonly format: string;
}

/** The state of one layer; `layer` is the path of its weights. */
export type StateSpec =
  | {
      readonly type: "conv";
      readonly layer: string;
      readonly width: number;
      readonly cols: number;
      /** Rows that can be taken back. */
      readonly spare: number;
    }
  | {
      readonly type: "full_attention";
      readonly layer: string;
      readonly capacity: number;
      readonly cols: number;
      readonly headDim: number;
    };

/** Storage type of keys and values. int8 has one float32 scale per position and KV head. */
export type KvType = "f32" | "f16" | "int8";

/**
 * `exact`: float32 activations. `int8`: 8-bit activations wherever the weight's format has an integer dot product and the
 * number of its rows is a multiple of 8, as in every LFM2.
 */
export type ArithmeticMode = "exact" | "int8";

/** What convolutions remembered, one array for each. */
export type SavedStates = readonly Uint8Array[];

export interface PlacedWeight {
  readonly weight: Weight;
  /** Pieces must be cut at multiples of this many bytes. */
  readonly granule: number;
  /**
   * Where its file may be read to, so that `write` need not copy a piece to where kernels see it. Many weights have the
   * same rooms; a backend without kernels has none.
   */
  readonly rooms?: readonly Uint8Array<ArrayBuffer>[];
  /**
   * Writes bytes of its blocks `at` an offset into them; each is to be written once.
   * @returns the first of the weights in `bytes` that is infinite or NaN, in which case nothing may be computed with any
   *          of them; -1 when all are finite
   */
  write(at: number, bytes: Uint8Array): number;
}

/** What surrounds the operations of a run: how long results live, when states count, numbers read back. */
export interface Memory {
  /** Releases every result. */
  release(): void;
  /** Carries the hidden state to where `to` is held, and releases all other results, angles excepted. */
  carry(h: Tensor, to: Weight): Tensor;
  /** Makes the convolutions' new states the current ones, once a whole step has succeeded. */
  commit(states: readonly ConvState[]): void;
  /** Makes the current states those of so many rows before, of the rows committed last: at most `spare` in all. */
  takeBack(states: readonly ConvState[], rows: number): void;
  /** Makes the convolutions' states those of an empty sequence: zeros. */
  reset(states: readonly ConvState[]): void;
  /** A copy of the convolutions' states. */
  save(states: readonly ConvState[]): SavedStates;
  /** Makes them what was saved of others like them. */
  restore(states: readonly ConvState[], saved: SavedStates): void;
  /** Copies the keys and values of a page to another. */
  copyPage(cache: KvCache, from: number, to: number): void;
  /** A copy of the numbers, row-major. */
  read(x: Tensor): Float32Array;
  /** Puts others in their place, row-major. Given: nothing has been computed from `x` yet. */
  overwrite(x: Tensor, numbers: Float32Array): void;
  readIds(x: ExpertIds): Int32Array;
  /** A copy of a `vector` of one row. */
  readVector(w: Weight): Float32Array;
}

/** Room for one model and its sequences, reserved. */
export interface Backend {
  readonly ops: Ops;
  readonly memory: Memory;
  readonly weights: ReadonlyMap<string, PlacedWeight>;
  /** In the order of the request. */
  readonly states: readonly (ConvState | KvCache)[];
  /** Bytes reserved. */
  readonly bytes: number;
}

export interface BackendRequest {
  readonly weights: readonly StoredWeight[];
  readonly states: readonly StateSpec[];
  readonly kvType: KvType;
}
