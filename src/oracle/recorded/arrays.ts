// Named arrays of a file, whatever its format, as the points of a run.

import {
  bytesOfSafeEntry,
  loadTensor,
  readSafetensors,
  type SafeTensor,
  type TensorData,
} from "../../formats/hf/safetensors.ts";
import { type NpzArray, readNpz } from "../../formats/npz.ts";
import { refuse, show, within } from "../../formats/refusal.ts";
import type { ByteSource } from "../../sources/source.ts";
import { kindOf, type PointKind } from "./point-names.ts";
import type { RecordedPoint, StoredFloat } from "./recorded-run.ts";

/** Numbers of one array, read by range. */
export interface StoredArray {
  readonly name: string;
  readonly shape: readonly number[];
  /** Where a number has fewer bits than float32. */
  readonly stored?: StoredFloat;
  /** Numbers from … from + count − 1, row-major. */
  read(from: number, count: number): Promise<TensorData>;
}

/** More than a forward pass of the longest context writes into one row. */
const MAX_COLUMNS = 1 << 24;
const MAX_ARRAYS = 100_000;

/** @throws FormatError when the file is neither safetensors nor .npz */
export async function readArrays(source: ByteSource, signal?: AbortSignal): Promise<StoredArray[]> {
  const start = source.size < 4 ? new Uint8Array(4) : await source.read(0, 4, signal);
  const isZip = start[0] === 0x50 && start[1] === 0x4b;
  const arrays = isZip
    ? (await readNpz(source, signal)).map((array) => npzArray(array, signal))
    : [...(await readSafetensors(source, signal)).tensors].map(([name, tensor]) =>
        safetensorsArray(source, name, tensor, signal),
      );
  if (arrays.length > MAX_ARRAYS) {
    refuse(source.name, `at most ${MAX_ARRAYS} tensors`, `${arrays.length}`, "Compare fewer points.");
  }
  return arrays;
}

export function safetensorsArray(
  source: ByteSource,
  name: string,
  tensor: SafeTensor,
  signal?: AbortSignal,
): StoredArray {
  const { dtype, shape, begin } = tensor;
  const bytes = bytesOfSafeEntry({ name, dtype, shape: [] });
  return {
    name,
    shape,
    stored: dtype === "BF16" ? "bf16" : dtype === "F16" ? "f16" : undefined,
    read: (from, count) =>
      loadTensor(
        source,
        { dtype, shape: [count], begin: begin + from * bytes, end: begin + (from + count) * bytes },
        signal,
      ),
  };
}

function npzArray(array: NpzArray, signal?: AbortSignal): StoredArray {
  const { name, shape, isHalf } = array;
  return { name, shape, stored: isHalf ? "f16" : undefined, read: (from, count) => array.read(from, count, signal) };
}

/** The array as rows of positions: a batch axis of one is dropped, all axes after the positions are one. */
export function pointOf(file: string, name: string, array: StoredArray, kind: PointKind = kindOf(name)): RecordedPoint {
  const shape = [...array.shape];
  while (shape.length > 2 && shape[0] === 1) shape.shift();
  if (shape.length === 1) shape.unshift(1);
  const [rows = 1, ...rest] = shape;
  const cols = rest.reduce((product, axis) => product * axis, 1);
  if (cols > MAX_COLUMNS || shape.includes(0)) {
    const found = `[${array.shape.join(", ")}]`;
    refuse(
      within(file, array.name),
      `[positions, at most ${MAX_COLUMNS} columns]`,
      found,
      "Record activations, not weights.",
    );
  }
  return {
    name,
    kind,
    rows,
    cols,
    async read(from, count) {
      const data = await array.read(from * cols, count * cols);
      return kind === "ids" ? integers(file, array.name, data) : floats(data);
    },
  };
}

function floats(data: TensorData): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>, Number);
}

export function integers(file: string, name: string, data: TensorData): Int32Array {
  const ids = Int32Array.from(data as ArrayLike<number>, Number);
  for (let i = 0; i < ids.length; i++) {
    if (Number(data[i]) !== ids[i] || ids[i] < 0) {
      refuse(within(file, name), "ids: integers from 0", show(Number(data[i])), "Record the ids, not their scores.");
    }
  }
  return ids;
}
