// The reference's operations, computed when their numbers are read: a graph may be run of which only a part is known.
import type { ExpertIds, Ops, Tensor } from "../../ops/ops.ts";
import { referenceOps } from "../../reference/backend.ts";
import { type ReferenceExpertIds, type ReferenceTensor, rowOf } from "../../reference/tensor.ts";
import { shapeOps } from "../trace/shape-ops.ts";
import type { Work } from "./work.ts";

/** Numbers were asked for that rest on something that was not recorded, or on a weight that nobody has. */
export class UnknownNumbers extends Error {
  override readonly name = "UnknownNumbers";
}

/** A tensor whose numbers are computed when they are first read. */
export function lazyTensor(rows: number, cols: number, compute: () => Tensor): ReferenceTensor {
  const data = once(() => inOneRun(compute() as ReferenceTensor));
  return {
    ...{ rows, cols, offset: 0, stride: cols },
    get data() {
      return data();
    },
  };
}

export function lazyIds(rows: number, k: number, compute: () => ExpertIds): ReferenceExpertIds {
  const ids = once(() => (compute() as ReferenceExpertIds).ids);
  return {
    ...{ rows, k },
    get ids() {
      return ids();
    },
  };
}

function once<T>(compute: () => T): () => T {
  let found: T | undefined;
  return () => {
    found ??= compute();
    return found;
  };
}

/** The numbers row after row without gaps. */
function inOneRun(x: ReferenceTensor): Float32Array {
  if (x.stride === x.cols && x.data.length === x.rows * x.cols) return x.data;
  const copy = new Float32Array(x.rows * x.cols);
  for (let t = 0; t < x.rows; t++) copy.set(rowOf(x, t), t * x.cols);
  return copy;
}

/** Whether the numbers can be computed; they are. */
export function isKnown(result: Tensor | ExpertIds): boolean {
  try {
    return "k" in result ? (result as ReferenceExpertIds).ids.length > 0 : (result as ReferenceTensor).data.length > 0;
  } catch (error) {
    if (error instanceof UnknownNumbers) return false;
    throw error;
  }
}

type Operation = (...args: readonly object[]) => object;
type Products = Pick<Ops, "linear" | "expertLinear">;

/**
 * Given: tensors and weights are the reference's; a weight without bytes is one that nobody knows.
 *
 * @param work      what they cost is added to it
 * @param products  how products are computed
 */
export function createLazyOps(work: Work, products: Products = referenceOps): Ops {
  const names = Object.keys(referenceOps) as (keyof Ops)[];
  const eager = { ...referenceOps, ...products };
  return Object.fromEntries(
    names.map((name) => {
      const [operation, shapeOf] = [eager[name], shapeOps[name]] as unknown as readonly Operation[];
      const lazy: Operation = (...args) =>
        later(shapeOf(...args), () => {
          if (args.some((arg) => "path" in Object(arg) && !("bytes" in arg))) throw new UnknownNumbers();
          const result = operation(...args);
          // Products count what they compute.
          if (!(name in products)) work.spent += costOf(name, args, result);
          return result;
        });
      return [name, /linear$|^swiglu$/i.test(name) ? remembered(lazy) : lazy];
    }),
  ) as unknown as Ops;
}

/** In products of two numbers. */
function costOf(name: keyof Ops, args: readonly object[], result: object): number {
  const { rows, cols } = result as Partial<Tensor>;
  if (rows === undefined || cols === undefined) return 0;
  return rows * cols * (name === "attention" ? 2 * (args[1] as Tensor).rows : 1);
}

function later(shape: object, compute: () => object): object {
  if (Array.isArray(shape)) return shape.map((part, i) => later(part, () => (compute() as object[])[i]));
  const { rows, cols, k } = shape as Tensor & ExpertIds;
  if (k !== undefined) return lazyIds(rows, k, compute as () => ExpertIds);
  return cols === undefined ? compute() : lazyTensor(rows, cols, compute as () => Tensor); // angles have no columns
}

/** What is kept of one input: what is specified comes first, and what single mistakes make of it is not asked for again. */
const KEPT = 8;

/** The same result for the same arguments: what weights make of recorded numbers is alike under most mistakes. */
function remembered(operation: Operation): Operation {
  const known = new WeakMap<object, { readonly args: readonly object[]; readonly result: object }[]>();
  return (...args) => {
    const ofInput = known.get(args[0]) ?? [];
    known.set(args[0], ofInput);
    const found = ofInput.find((one) => one.args.every((arg, i) => arg === args[i]));
    const result = found?.result ?? operation(...args);
    if (found === undefined && ofInput.length < KEPT) ofInput.push({ args, result });
    return result;
  };
}
