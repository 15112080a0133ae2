// Ops that work number by number: add, mul, scale, addBias, sigmoid.
import { expf } from "../float.ts";
import { weightRow } from "./linear.ts";
import { createTensor, type ReferenceTensor, type ReferenceWeight, rowOf } from "./tensor.ts";

/** Typed arrays round to float32 when written, so each `value` here is one rounded operation. */
function map(x: ReferenceTensor, value: (number: number, row: number, col: number) => number): ReferenceTensor {
  const y = createTensor(x.rows, x.cols);
  for (let t = 0; t < x.rows; t++) {
    const from = rowOf(x, t);
    const to = rowOf(y, t);
    for (let c = 0; c < x.cols; c++) to[c] = value(from[c], t, c);
  }
  return y;
}

export function add(a: ReferenceTensor, b: ReferenceTensor): ReferenceTensor {
  return map(a, (value, t, c) => value + b.data[b.offset + t * b.stride + c]);
}

export function mul(a: ReferenceTensor, b: ReferenceTensor): ReferenceTensor {
  return map(a, (value, t, c) => value * b.data[b.offset + t * b.stride + c]);
}

export function scale(x: ReferenceTensor, factor: number): ReferenceTensor {
  const rounded = Math.fround(factor);
  return map(x, (value) => value * rounded);
}

export function addBias(x: ReferenceTensor, bias: ReferenceWeight): ReferenceTensor {
  const row = weightRow(bias, 0);
  return map(x, (value, _, c) => value + row[c]);
}

/** 1 / (1 + e⁻ˣ), each step rounded to float32. */
export function sigmoidOf(x: number): number {
  return Math.fround(1 / Math.fround(1 + expf(-x)));
}

export function sigmoid(x: ReferenceTensor): ReferenceTensor {
  return map(x, sigmoidOf);
}
