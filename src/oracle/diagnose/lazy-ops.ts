// The reference's operations, computed when their numbers are read: a graph may be run of which only a part is known.
import type { ExpertIds, Ops, Tensor } from "../../ops/ops.ts";
import { referenceOps } from "../../reference/backend.ts";
import { type ReferenceExpertIds, type ReferenceTensor, type ReferenceWeight, rowOf } from "../../reference/tensor.ts";
import { shapeOps } from "../trace/shape-ops.ts";

/** Numbers were asked for that rest on something that was not recorded, or on a weight that nobody has. */
export class UnknownNumbers extends Error {
  override readonly name = "UnknownNumbers";
}

type Operation = (...args: readonly object[]) => object;

/** A tensor whose numbers are computed when they are first read. */
export function lazyTensor(rows: number, cols: number, compute: () => Tensor): ReferenceTensor {
  let data: Float32Array | undefined;
  return {
    ...{ rows, cols, offset: 0, stride: cols },
    get data() {
      data ??= inOneRun(compute() as ReferenceTensor);
      return data;
    },
  };
}

/** The numbers row after row without gaps. */
function inOneRun(x: ReferenceTensor): Float32Array {
  const { data } = x;
  if (x.offset === 0 && x.stride === x.cols && data.length === x.rows * x.cols) return data;
  const copy = new Float32Array(x.rows * x.cols);
  for (let t = 0; t < x.rows; t++) copy.set(rowOf(x, t), t * x.cols);
  return copy;
}

export function lazyIds(rows: number, k: number, compute: () => ReferenceExpertIds): ReferenceExpertIds {
  let ids: Int32Array | undefined;
  return {
    ...{ rows, k },
    get ids() {
      ids ??= compute().ids;
      return ids;
    },
  };
}

/** Given: tensors and weights are the reference's; a weight without bytes is one that nobody knows. */
export const lazyOps = Object.fromEntries(
  Object.entries(shapeOps).map(([name, shapeOf]) => {
    const operation = referenceOps[name as keyof Ops] as unknown as Operation;
    const lazy: Operation = (...args) =>
      later((shapeOf as unknown as Operation)(...args), () => {
        const unknown = args.find((arg) => "path" in Object(arg) && (arg as ReferenceWeight).bytes === undefined);
        if (unknown !== undefined) throw new UnknownNumbers((unknown as ReferenceWeight).path);
        return operation(...args);
      });
    return [name, name.toLowerCase().endsWith("linear") ? remembered(lazy) : lazy];
  }),
) as unknown as Ops;

function later(shape: object, compute: () => object): object {
  if (Array.isArray(shape)) return shape.map((part, i) => later(part, () => (compute() as object[])[i]));
  if ("k" in shape) {
    const { rows, k } = shape as ExpertIds;
    return lazyIds(rows, k, compute as () => ReferenceExpertIds);
  }
  if (!("cols" in shape)) return compute(); // angles
  const { rows, cols } = shape as Tensor;
  return lazyTensor(rows, cols, compute as () => Tensor);
}

/** The same result for the same arguments: what weights make of recorded numbers is alike under most mistakes. */
function remembered(operation: Operation): Operation {
  const first = new WeakMap<object, unknown>();
  return (...args) => {
    let known = first;
    for (const arg of args.slice(0, -1)) {
      if (!known.has(arg)) known.set(arg, new WeakMap());
      known = known.get(arg) as typeof first;
    }
    const last = args[args.length - 1];
    if (!known.has(last)) known.set(last, operation(...args));
    return known.get(last) as object;
  };
}
