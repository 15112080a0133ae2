// safetensors: the length of a JSON header, the header, then the tensors' bytes without gaps.
//
//   length u64 | {"name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [begin, end]}, …} | data
//
// Source: huggingface/safetensors, README and safetensors/src/tensor.rs.
import { blockFormats, decodeRow } from "../../blocks/formats.ts";
import type { ByteSource } from "../../sources/source.ts";
import { decodeText, isObject, type JsonObject, jsonLimits, parseJsonObject } from "../json.ts";
import { DAMAGED, refuse, show, within } from "../refusal.ts";

/** Bytes of one number. */
const dtypeBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};
export type Dtype = keyof typeof dtypeBytes;

const MAX_DIMENSIONS = 8;

export interface SafeTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Bytes [begin, end) of the file. */
  readonly begin: number;
  readonly end: number;
}

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads the header alone.
 *
 * @throws FormatError when the file is not safetensors, or its tensors do not fill it exactly, each byte once
 */
export async function readSafetensors(source: ByteSource, signal?: AbortSignal): Promise<Safetensors> {
  const file = source.name;
  if (source.size < 8) refuse(file, "a safetensors file of at least 8 bytes", `${source.size} bytes`, DAMAGED);
  const { buffer } = await source.read(0, 8, signal);
  const headerBytes = new DataView(buffer).getBigUint64(0, true);
  const most = Math.min(source.size - 8, jsonLimits.directory.bytes);
  if (headerBytes > most) {
    refuse(file, `a safetensors header of at most ${most} bytes`, `${headerBytes}`, "Name a whole safetensors file.");
  }
  const text = decodeText(await source.read(8, Number(headerBytes), signal), `${file}, header`);
  const header = parseJsonObject(text, `${file}, header`, jsonLimits.directory);
  const dataOffset = 8 + Number(headerBytes);

  const tensors = new Map<string, SafeTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name !== "__metadata__") tensors.set(name, readEntry(within(file, name), entry, dataOffset));
  }
  checkCoverage(file, tensors, dataOffset, source.size);
  return { tensors, metadata: readMetadata(file, header) };
}

function readEntry(subject: string, entry: unknown, dataOffset: number): SafeTensor {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : ({} as JsonObject);
  if (!isDtype(dtype)) refuse(subject, "numbers of F32, F16 or BF16", show(dtype), UNREADABLE);
  if (!isSizes(shape) || shape.length > MAX_DIMENSIONS) {
    refuse(subject, `a shape of up to ${MAX_DIMENSIONS} sizes`, show(shape), DAMAGED);
  }
  if (!isSizes(offsets) || offsets.length !== 2) refuse(subject, "two data_offsets", show(offsets), DAMAGED);
  const [begin, end] = offsets;
  const bytes = shape.reduce((product, axis) => product * axis, dtypeBytes[dtype]);
  if (end - begin !== bytes) {
    refuse(subject, `${bytes} bytes for ${dtype} [${shape.join(", ")}]`, `data_offsets ${begin} to ${end}`, DAMAGED);
  }
  return { dtype, shape, begin: dataOffset + begin, end: dataOffset + end };
}

const UNREADABLE = "Convert the tensor to one of these types.";

function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(dtypeBytes, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** The format allows neither gaps nor overlaps; so a name that occurs twice in the header is found here, too. */
function checkCoverage(file: string, tensors: Map<string, SafeTensor>, begin: number, size: number): void {
  let at = begin;
  for (const [name, tensor] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (tensor.begin !== at) {
      const found = `data_offsets from ${tensor.begin - begin}`;
      refuse(within(file, name), `data_offsets from ${at - begin}, where the last tensor ends`, found, DAMAGED);
    }
    at = tensor.end;
  }
  if (at !== size) refuse(file, `${at} bytes, where the last tensor ends`, `${size}`, DAMAGED);
}

function readMetadata(file: string, header: JsonObject): Map<string, string> {
  const metadata = header.__metadata__ ?? {};
  if (isObject(metadata) && Object.values(metadata).every((value) => typeof value === "string")) {
    return new Map(Object.entries(metadata) as [string, string][]);
  }
  refuse(`${file}, __metadata__`, "an object of texts", show(metadata), DAMAGED);
}

export type TensorData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>;

const arrays: Partial<Record<Dtype, new (buffer: ArrayBuffer) => TensorData>> = {
  BOOL: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  U16: Uint16Array,
  I16: Int16Array,
  U32: Uint32Array,
  I32: Int32Array,
  F32: Float32Array,
  U64: BigUint64Array,
  I64: BigInt64Array,
  F64: Float64Array,
};

/** A tensor's numbers, row-major; F16 and BF16 become float32. @throws FormatError for the 8-bit float types */
export async function loadTensor(source: ByteSource, tensor: SafeTensor, signal?: AbortSignal): Promise<TensorData> {
  const bytes = await source.read(tensor.begin, tensor.end - tensor.begin, signal);
  if (tensor.dtype === "F16" || tensor.dtype === "BF16") {
    const numbers = new Float32Array(bytes.length / 2);
    decodeRow(blockFormats[tensor.dtype], bytes, 0, numbers, numbers.length);
    return numbers;
  }
  const TypedArray = arrays[tensor.dtype];
  if (!TypedArray) refuse(source.name, "a tensor of a type JavaScript has", tensor.dtype, UNREADABLE);
  return new TypedArray(bytes.buffer);
}

/** A tensor's numbers as float32. @throws FormatError when it is not F32, F16 or BF16 */
export async function loadFloats(source: ByteSource, tensor: SafeTensor, signal?: AbortSignal): Promise<Float32Array> {
  const numbers = await loadTensor(source, tensor, signal);
  if (numbers instanceof Float32Array) return numbers;
  refuse(source.name, "a tensor of F32, F16 or BF16", tensor.dtype, UNREADABLE);
}

export interface TensorToWrite {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little-endian numbers of `dtype`, row-major. */
  readonly data: ArrayBufferView;
}

/** A tensor as the header describes it. */
export interface SafeEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** As Hugging Face's own writer lays tensors out: wide types first, names ascending within one type. */
export function inSafetensorsOrder<T extends SafeEntry>(entries: Iterable<T>): T[] {
  const order = Object.keys(dtypeBytes);
  return [...entries].sort(
    (a, b) => order.indexOf(b.dtype) - order.indexOf(a.dtype) || (a.name < b.name ? -1 : Number(a.name > b.name)),
  );
}

export function bytesOfSafeEntry({ dtype, shape }: SafeEntry): number {
  return shape.reduce((product, axis) => product * axis, dtypeBytes[dtype]);
}

/** Everything before the tensors' bytes, which follow in the order of `entries` without gaps. */
export function encodeSafetensorsHeader(
  entries: readonly SafeEntry[],
  metadata: ReadonlyMap<string, string>,
): Uint8Array<ArrayBuffer> {
  // As pairs, because a tensor may be named __proto__.
  const header: [string, unknown][] = metadata.size > 0 ? [["__metadata__", Object.fromEntries(metadata)]] : [];
  let end = 0;
  for (const entry of entries) {
    const begin = end;
    end += bytesOfSafeEntry(entry);
    header.push([entry.name, { dtype: entry.dtype, shape: entry.shape, data_offsets: [begin, end] }]);
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  // Spaces after the JSON bring the numbers to a multiple of 8.
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes).fill(0x20, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(text, 8);
  return bytes;
}

/** A whole safetensors file. Given: each `data` has as many bytes as its shape and dtype say. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array<ArrayBuffer> {
  const sorted = inSafetensorsOrder([...tensors].map(([name, tensor]) => ({ ...tensor, name })));
  const header = encodeSafetensorsHeader(sorted, metadata);
  const size = sorted.reduce((sum, { data }) => sum + data.byteLength, header.byteLength);
  const file = new Uint8Array(size);
  file.set(header);
  let at = header.byteLength;
  for (const { data } of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}
