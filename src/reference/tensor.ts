// How the reference holds numbers: plain arrays, weights as the bytes of their file.
import type { BlockFormat } from "../blocks/block-format.ts";
import type { KvType } from "../ops/backend.ts";
import type { Angles, ConvState, ExpertIds, KvCache, Tensor, Weight } from "../ops/ops.ts";

export interface ReferenceTensor extends Tensor {
  readonly data: Float32Array;
  /** Index of the first number; rows are `stride` apart. */
  readonly offset: number;
  readonly stride: number;
}

export interface ReferenceExpertIds extends ExpertIds {
  readonly ids: Int32Array;
}

export interface ReferenceAngles extends Angles {
  readonly cosines: ReferenceTensor; // [T, headDim / 2]
  readonly sines: ReferenceTensor;
}

export interface ReferenceWeight extends Weight {
  readonly format: BlockFormat;
  /** Blocks, row-major; experts one after another. */
  readonly bytes: Uint8Array;
}

export interface ReferenceKvCache extends KvCache {
  readonly k: Float32Array; // [capacity, kvHeads · headDim], rounded as a cache of this type rounds
  readonly v: Float32Array;
  readonly type: KvType;
}

export interface ReferenceConvState extends ConvState {
  /** The last spare + width − 1 inputs [spare + width − 1, hidden], oldest first. */
  current: Float32Array;
  /** What `commit` makes current. */
  next: Float32Array;
  /** Of the rows committed last, how many have been taken back: the state ends so many rows earlier. */
  taken: number;
}

export function createTensor(rows: number, cols: number): ReferenceTensor {
  return { rows, cols, data: new Float32Array(rows * cols), offset: 0, stride: cols };
}

/** Row `row` of `x`: a view, not a copy. */
export function rowOf(x: ReferenceTensor, row: number): Float32Array {
  const begin = x.offset + row * x.stride;
  return x.data.subarray(begin, begin + x.cols);
}
