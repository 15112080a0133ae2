// Named arrays of a file, whatever its format: safetensors, .npz, .npy, or raw float32 without any header.

import {
  bytesOfSafeEntry,
  loadTensor,
  readSafetensors,
  type SafeTensor,
  type TensorData,
} from "../../formats/hf/safetensors.ts";
import { type NpyArray, readNpy } from "../../formats/npy.ts";
import { readNpz } from "../../formats/npz.ts";
import { refusePickle } from "../../formats/pickle.ts";
import { DAMAGED, refuse, show, within } from "../../formats/refusal.ts";
import type { ByteSource } from "../../sources/source.ts";
import { kindOf, type PointKind } from "./point-names.ts";
import type { RecordedPoint, StoredFloat } from "./recorded-run.ts";

/** Numbers of one array, read by range. */
export interface StoredArray {
  readonly name: string;
  readonly shape: readonly number[];
  /** The name is the file's, for there is one array in it. */
  readonly isUnnamed?: boolean;
  /** Where a number has fewer bits than float32. */
  readonly stored?: StoredFloat;
  /** Numbers from … from + count − 1, row-major. */
  read(from: number, count: number): Promise<TensorData>;
}

/** More than a forward pass of the longest context writes into one row. */
const MAX_COLUMNS = 1 << 24;
/** Of an array without rows, 1 GiB of float32: logits of 4096 positions over 65,536 ids. */
const MAX_NUMBERS = 1 << 28;
const MAX_ARRAYS = 100_000;

/** @throws FormatError when the file is none of these, or damaged */
export async function readArrays(source: ByteSource, signal?: AbortSignal): Promise<StoredArray[]> {
  const arrays = await arraysOf(source, signal);
  if (arrays.length > MAX_ARRAYS) {
    refuse(source.name, `at most ${MAX_ARRAYS} tensors`, `${arrays.length}`, "Compare fewer points.");
  }
  return arrays;
}

async function arraysOf(source: ByteSource, signal?: AbortSignal): Promise<StoredArray[]> {
  if (/\.(pt|pth|pkl|ckpt)$/i.test(source.name)) refusePickle(source.name);
  const start = source.size < 6 ? new Uint8Array(6) : await source.read(0, 6, signal);
  const magic = String.fromCharCode(...start);
  if (magic.startsWith("PK")) {
    return (await readNpz(source, signal)).map(({ name, ...array }) => numpyArray(name, array, signal));
  }
  if (magic === "\x93NUMPY") {
    const array = await readNpy(source, source.name, source.size, signal);
    return [{ ...numpyArray(stemOf(source.name), array, signal), isUnnamed: true }];
  }
  if (magic.startsWith("GGUF")) refuse(source.name, "tensors of a run", "a GGUF file, a model", "Name it after -m.");
  if (/\.bin$/i.test(source.name)) return [rawArray(source, signal)];
  return [...(await readSafetensors(source, signal)).tensors].map(([name, tensor]) =>
    safetensorsArray(source, name, tensor, signal),
  );
}

/** "dumps/lm_head.npy" → "lm_head". */
function stemOf(path: string): string {
  return (path.split(/[/\\]/).at(-1) as string).replace(/\.[^.]*$/, "");
}

/** Float32 numbers in a row, little-endian: what llama-debug --save-logits writes, and what tobytes() gives. */
function rawArray(source: ByteSource, signal?: AbortSignal): StoredArray {
  const { name, size } = source;
  if (size === 0 || size % 4 !== 0) refuse(name, "float32 numbers, 4 bytes each", `${size} bytes`, DAMAGED);
  return {
    name: stemOf(name),
    isUnnamed: true,
    shape: [size / 4],
    async read(from, count) {
      return new Float32Array((await source.read(4 * from, 4 * count, signal)).buffer);
    },
  };
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

function numpyArray(name: string, { shape, isHalf, read }: NpyArray, signal?: AbortSignal): StoredArray {
  return { name, shape, stored: isHalf ? "f16" : undefined, read: (from, count) => read(from, count, signal) };
}

/** The array as rows of positions: a batch axis of one is dropped, all axes after the positions are one. */
export function pointOf(file: string, name: string, array: StoredArray, kind: PointKind = kindOf(name)): RecordedPoint {
  const shape = [...array.shape];
  while (shape.length > 2 && shape[0] === 1) shape.shift();
  if (shape.length === 1) shape.unshift(1);
  const [rows = 1, ...rest] = shape;
  const cols = rest.reduce((product, axis) => product * axis, 1);
  const isFlat = array.shape.length === 1;
  if (cols > (isFlat ? MAX_NUMBERS : MAX_COLUMNS) || shape.includes(0)) {
    const found = `[${array.shape.join(", ")}]`;
    refuse(
      within(file, array.name),
      `[positions, at most ${MAX_COLUMNS} columns], or at most ${MAX_NUMBERS} numbers`,
      found,
      "Record activations, not weights.",
    );
  }
  const readNumbers = async (from: number, count: number): Promise<Float32Array | Int32Array> => {
    const data = await array.read(from, count);
    return kind === "ids" ? integers(file, array.name, data) : floats(data);
  };
  return {
    name,
    kind,
    rows,
    cols,
    axes: array.shape,
    ...(array.name !== name && { foreignName: array.name }),
    ...(isFlat && { readNumbers }),
    read: (from, count) => readNumbers(from * cols, count * cols),
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
