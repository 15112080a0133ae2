// Tensors as other people's programs hold them.
import { kindOf } from "./point-names.ts";
import type { RecordedPoint, RecordedRun } from "./recorded-run.ts";

export type Numbers = ArrayLike<number> | ArrayLike<bigint>;

/**
 * Numbers alone, numbers with a shape (ONNX Runtime calls it `dims`), as many rows and columns as `model.logits()` gives,
 * or lists of lists.
 */
export type TensorLike =
  | Numbers
  | { readonly data: Numbers; readonly shape: readonly number[] }
  | { readonly data: Numbers; readonly dims: readonly number[] }
  | { readonly data: Numbers; readonly rows: number; readonly cols: number }
  | NestedNumbers;
export type NestedNumbers = readonly (number | NestedNumbers)[];

const KINDS = "a typed array, { data, shape }, { data, dims }, { data, rows, cols }, or lists of numbers";

/** Row-major. @param name  of the tensor, for messages @throws TypeError when it is no tensor, or lists are of unequal length */
export function numbersOf(tensor: TensorLike, name = "tensor"): ArrayLike<number> {
  const data = isObjectWithData(tensor) ? tensor.data : tensor;
  if (Array.isArray(data) && Array.isArray(data[0])) {
    shapeOf(tensor, 0, name);
    return data.flat(Number.POSITIVE_INFINITY) as number[];
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data, Number);
  if (typeof data === "object" && data !== null && "length" in data) {
    if (data.length === 0 || typeof data[0] === "number") return data as ArrayLike<number>;
    if (typeof data[0] === "bigint") return Array.from(data as ArrayLike<bigint>, Number);
  }
  throw new TypeError(`${name}: expected ${KINDS}, found ${kindOfValue(tensor)}.`);
}

function kindOfValue(value: unknown): string {
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  if (value instanceof Promise) return "a Promise; await it";
  if (Array.isArray(value)) return `a list of ${kindOfValue(value[0])}`;
  const made = value.constructor?.name ?? "Object";
  const keys = Object.keys(value).slice(0, 8).join(", ");
  return made === "Object" ? `{ ${keys} }` : `${/^[AEIOU]/.test(made) ? "an" : "a"} ${made}`;
}

/** [length] where none is stated. @throws TypeError when the numbers are not as many as the shape says */
export function shapeOf(tensor: TensorLike, length: number, name = "tensor"): readonly number[] {
  if (isObjectWithData(tensor)) {
    const shape = "shape" in tensor ? tensor.shape : "dims" in tensor ? tensor.dims : [tensor.rows, tensor.cols];
    const isShape = Array.isArray(shape) && shape.every((axis) => Number.isSafeInteger(axis) && axis >= 0);
    if (!isShape) throw new TypeError(`${name}: expected ${KINDS}, found ${kindOfValue(tensor)} without a shape.`);
    const count = shape.reduce((product, axis) => product * axis, 1);
    if (count === tensor.data.length) return shape;
    throw new TypeError(`${name}: expected ${count} numbers for [${shape.join(", ")}], found ${tensor.data.length}.`);
  }
  if (!Array.isArray(tensor) || !Array.isArray(tensor[0])) return [length];
  const inner = tensor.map((row: NestedNumbers) => shapeOf(row, row.length, name).join());
  if (inner.some((shape) => shape !== inner[0])) {
    throw new TypeError(`${name}: expected lists of equal length, found others.`);
  }
  return [tensor.length, ...shapeOf(tensor[0], tensor[0].length, name)];
}

function isObjectWithData(tensor: TensorLike): tensor is Extract<TensorLike, { readonly data: Numbers }> {
  return typeof tensor === "object" && tensor !== null && "data" in tensor;
}

/** Tensors in memory as a recorded run; its ids are not known. Leading axes of one, such as a batch's, are dropped. */
export function runOfTensors(
  tensors: Readonly<Record<string, TensorLike>> | ReadonlyMap<string, TensorLike>,
  colsOf: (name: string) => number | undefined,
): RecordedRun {
  const entries = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  const points = entries.map(([name, tensor]): [string, RecordedPoint] => {
    const data = numbersOf(tensor, name);
    const stated = shapeOf(tensor, data.length, name).filter(
      (size, axis, shape) => size !== 1 || axis >= shape.length - 2,
    );
    // Numbers without a shape are taken for rows as long as those that are expected.
    const expected = colsOf(name) ?? data.length;
    const flat = data.length % expected === 0 ? expected : data.length;
    const cols = stated.length > 1 ? stated.slice(1).reduce((a, b) => a * b, 1) : flat;
    const kind = kindOf(name);
    const read = async (from: number, count: number): Promise<Float32Array | Int32Array> => {
      const rows = kind === "ids" ? new Int32Array(count * cols) : new Float32Array(count * cols);
      for (let i = 0; i < rows.length; i++) rows[i] = data[from * cols + i];
      return rows;
    };
    return [name, { name, kind, rows: data.length / cols, cols, read }];
  });
  return {
    name: "received tensors",
    points: new Map(points),
    isOrdered: false,
    ids: undefined,
    start: 0,
    about: undefined,
    close: async () => {},
  };
}
