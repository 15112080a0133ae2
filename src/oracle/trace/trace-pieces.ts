// The caller's part of a trace: steps from the model's thread become pieces of named tensors.
import type { TraceStep } from "./record.ts";
import { isBias, type TracePlan } from "./trace-plan.ts";

/** Rows of one tensor. Pieces of a tensor come in order, and together are all of it. */
export interface TracePiece {
  readonly name: string;
  /** Of the first row; of `….expert_bias`, which is no position's, the first that is traced. */
  readonly position: number;
  readonly rows: number;
  /** [rows, cols], row-major; expert ids as Int32Array. */
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

export function* tracePieces({ points }: TracePlan, { position, rows, numbers }: TraceStep): Generator<TracePiece> {
  let at = 0;
  for (const point of points) {
    if (isBias(point) !== (rows === 0)) continue;
    const length = Math.max(1, rows) * point.shape[1];
    const Numbers = point.dtype === "I32" ? Int32Array : Float32Array;
    yield { name: point.name, position, rows: Math.max(1, rows), data: new Numbers(numbers, at * 4, length) };
    at += length;
  }
}
