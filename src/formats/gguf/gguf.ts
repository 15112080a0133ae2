// GGUF v2 and v3, little-endian: metadata, then a directory of tensors, then their blocks.
//
//   "GGUF" | version u32 | tensors u64 | keys u64 | key, value … | name, dimensions, type, offset … | padding | data
//
// Source: ggml/docs/gguf.md. Nothing read from the file is used before it is bounded.

import { blockFormats, type FormatName, formatOfGgmlType, ggmlTypeName, rowBytes } from "../../blocks/formats.ts";
import type { ByteSource } from "../../sources/source.ts";
import { DAMAGED, refuse, show, within } from "../refusal.ts";
import {
  type GgufValue,
  openWindow,
  parsed,
  readSize,
  readString,
  readU32,
  readValue,
  showValue,
  type Window,
} from "./value.ts";

/** "GGUF" as a little-endian u32. */
const MAGIC = 0x46554747;
const DEFAULT_ALIGNMENT = 32;
const MAX_ALIGNMENT = 65536;
const MAX_DIMENSIONS = 4;
/** LFM2-8B-A1B has 40 keys and 256 tensors. */
const MAX_ENTRIES = 65536;
/** A name's length, a character; a type and a one-byte value, or one dimension, a type and an offset. */
const LEAST_KEY_BYTES = 8 + 1 + 4 + 1;
const LEAST_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8;

/** An entry of the directory, before its type is known to be one this project decodes. */
export interface GgufEntry {
  readonly name: string;
  /** Row-major, slowest axis first; the file stores the fastest first. */
  readonly shape: readonly number[];
  readonly ggmlType: number;
  /** From the beginning of the file's data. */
  readonly offset: number;
}

export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly entries: readonly GgufEntry[];
  readonly alignment: number;
  /** Where the file's data begins. */
  readonly dataOffset: number;
}

/** Bytes of one number, by ggml's ids of types that hold no weights but may stand in a file. */
const integerTypes = { 24: ["I8", 1], 25: ["I16", 2], 26: ["I32", 4], 27: ["I64", 8] } as const;
export type IntegerType = (typeof integerTypes)[keyof typeof integerTypes][0];

export function isIntegerType(format: FormatName | IntegerType): format is IntegerType {
  return Object.values(integerTypes).some(([name]) => name === format);
}

/** A tensor whose bytes are known to lie within its file, apart from all others. */
export interface GgufTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: FormatName | IntegerType;
  /** From the beginning of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** Whether a file says it is GGUF, whatever its name. */
export async function isGguf(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  if (source.size < 4) return false;
  const { buffer } = await source.read(0, 4, signal);
  return new DataView(buffer).getUint32(0, true) === MAGIC;
}

/**
 * Reads metadata and directory, in growing pieces, for the file does not say how long they are.
 *
 * @throws FormatError when the file is not GGUF v2 or v3, or damaged
 */
export async function readGgufHeader(source: ByteSource, signal?: AbortSignal): Promise<GgufHeader> {
  const window = await openWindow(source, signal);
  const { version, entryCount, keyCount } = readCounts(window);

  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) await parsed(window, (w) => readKey(w, metadata), signal);

  const alignment = alignmentOf(source.name, metadata);
  const entries: GgufEntry[] = [];
  const names = new Set<string>();
  for (let i = 0; i < entryCount; i++) {
    entries.push(await parsed(window, (w) => readEntry(w, `tensor ${i}`, names, alignment), signal));
  }
  const dataOffset = Math.ceil(window.position / alignment) * alignment;
  return { version, metadata, entries, alignment, dataOffset };
}

function readCounts(window: Window): { version: number; entryCount: number; keyCount: number } {
  const { source, view } = window;
  if (source.size < 24) refuse(source.name, "a GGUF file of at least 24 bytes", `${source.size} bytes`, DAMAGED);
  if (readU32(window, "magic") !== MAGIC) {
    const first = String.fromCharCode(...new Uint8Array(view.buffer, 0, 4));
    refuse(source.name, 'a GGUF file, beginning with "GGUF"', show(first), "Name a GGUF file.");
  }
  const version = readU32(window, "version");
  if ((version & 0xffff) === 0 && version !== 0) {
    refuse(source.name, "a little-endian GGUF file", "a big-endian one", "Convert it with gguf_convert_endian.py.");
  }
  if (version !== 2 && version !== 3) {
    refuse(source.name, "GGUF version 2 or 3", `version ${version}`, "Convert the model again with llama.cpp.");
  }
  const entryCount = readCount(window, "tensors", LEAST_TENSOR_BYTES);
  const keyCount = readCount(window, "metadata keys", LEAST_KEY_BYTES);
  return { version, entryCount, keyCount };
}

function readCount(window: Window, what: string, leastBytes: number): number {
  const count = readSize(window, `number of ${what}`);
  const most = Math.min(MAX_ENTRIES, Math.floor(window.source.size / leastBytes));
  if (count > most) refuse(window.source.name, `at most ${most} ${what}`, `${count}`, DAMAGED);
  return count;
}

function readKey(window: Window, metadata: Map<string, GgufValue>): void {
  const key = readString(window, "metadata key");
  if (metadata.has(key)) refuse(within(window.source.name, key), "each key once", "it twice", DAMAGED);
  metadata.set(key, readValue(window, key));
}

function alignmentOf(file: string, metadata: ReadonlyMap<string, GgufValue>): number {
  const alignment = metadata.get("general.alignment");
  if (!alignment) return DEFAULT_ALIGNMENT;
  const { type, value } = alignment;
  if (type === "u32" && typeof value === "number" && value <= MAX_ALIGNMENT && Number.isInteger(Math.log2(value))) {
    return value;
  }
  const expected = `a u32 power of two up to ${MAX_ALIGNMENT}`;
  refuse(`${file}, general.alignment`, expected, `${type} ${showValue(alignment)}`, DAMAGED);
}

function readEntry(window: Window, place: string, names: Set<string>, alignment: number): GgufEntry {
  const name = readString(window, place);
  const subject = within(window.source.name, name);
  if (name === "") refuse(within(window.source.name, place), "a name", "none", DAMAGED);
  if (names.has(name)) refuse(subject, "each tensor once", "it twice", DAMAGED);
  const dimensions = readU32(window, name);
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
    refuse(subject, `1 to ${MAX_DIMENSIONS} dimensions`, `${dimensions}`, DAMAGED);
  }
  const shape = Array.from({ length: dimensions }, () => readSize(window, name)).reverse();
  const weights = shape.reduce((product, axis) => product * axis, 1);
  if (!(weights >= 1 && weights <= Number.MAX_SAFE_INTEGER)) {
    refuse(subject, "1 to 2^53 weights", `dimensions ${shape.join(" × ")}`, DAMAGED);
  }
  const ggmlType = readU32(window, name);
  const offset = readSize(window, name);
  if (offset % alignment !== 0) refuse(subject, `an offset that ${alignment} divides`, `${offset}`, DAMAGED);
  // Last, because an entry that the window cuts off is read a second time.
  names.add(name);
  return { name, shape, ggmlType, offset };
}

/**
 * The tensors of one file, each with the bytes it takes.
 *
 * @throws FormatError when one has a type this project cannot decode, leaves the file, overlaps another, or leaves a gap
 */
export function placeTensors(source: ByteSource, header: GgufHeader): GgufTensor[] {
  const tensors = header.entries.map((entry) => placeTensor(source, header, entry));
  const inOrder = [...tensors].sort((a, b) => a.offset - b.offset);
  if (inOrder.length > 0 && inOrder[0].offset !== header.dataOffset) {
    const subject = within(source.name, inOrder[0].name);
    refuse(subject, `an offset of ${header.dataOffset}, where the data begins`, `${inOrder[0].offset}`, DAMAGED);
  }
  for (let i = 1; i < inOrder.length; i++) {
    const before = inOrder[i - 1];
    const end = before.offset + before.bytes;
    const subject = within(source.name, inOrder[i].name);
    const next = aligned(header, end);
    if (inOrder[i].offset > next) {
      // llama.cpp takes no gaps either: before one lies a tensor that is longer than its type and shape say.
      refuse(subject, `an offset of ${next}, where ${show(before.name)} ends`, `${inOrder[i].offset}`, DAMAGED);
    }
    if (inOrder[i].offset >= end) continue;
    refuse(subject, `an offset of at least ${end}, after ${show(before.name)}`, `${inOrder[i].offset}`, DAMAGED);
  }
  return tensors;
}

/** A warning where bytes follow the last tensor: llama.cpp reads such files, and nothing says what the bytes are. */
export function trailingBytesWarning(source: ByteSource, header: GgufHeader, tensors: readonly GgufTensor[]): string[] {
  const end = tensors.reduce((last, { offset, bytes }) => Math.max(last, offset + bytes), header.dataOffset);
  if (source.size <= aligned(header, end)) return [];
  return [
    `${source.name}: ${source.size - end} bytes after the last tensor are not used. ` +
      "If the model was meant to have more tensors, fetch it again.",
  ];
}

/** The next place in the file where a tensor may begin. */
function aligned({ alignment, dataOffset }: GgufHeader, offset: number): number {
  return Math.ceil((offset - dataOffset) / alignment) * alignment + dataOffset;
}

function placeTensor(source: ByteSource, header: GgufHeader, entry: GgufEntry): GgufTensor {
  const { name, shape } = entry;
  const subject = within(source.name, name);
  const { format, bytes } = sizeOf(subject, entry);
  const offset = header.dataOffset + entry.offset;
  if (!(bytes <= source.size - offset)) {
    const found = `${Math.max(0, source.size - offset)} left in the file`;
    refuse(subject, `${bytes} bytes from ${offset}`, found, DAMAGED);
  }
  return { name, shape, format, offset, bytes };
}

function sizeOf(subject: string, { shape, ggmlType }: GgufEntry): Pick<GgufTensor, "format" | "bytes"> {
  const cols = shape[shape.length - 1];
  const rows = shape.slice(0, -1).reduce((product, axis) => product * axis, 1);
  if (Object.hasOwn(integerTypes, ggmlType)) {
    const [name, numberBytes] = integerTypes[ggmlType as keyof typeof integerTypes];
    return { format: name, bytes: rows * cols * numberBytes };
  }
  const format = formatOfGgmlType(ggmlType);
  if (!format) refuseType(subject, ggmlTypeName(ggmlType));
  if (cols % format.blockLength !== 0) {
    refuse(subject, `rows of whole ${format.name} blocks of ${format.blockLength}`, `rows of ${cols}`, DAMAGED);
  }
  return { format: format.name, bytes: rows * rowBytes(format, cols) };
}

/** @throws FormatError always: a weight whose type holds no weights, or is not decoded here */
export function refuseType(subject: string, type: string): never {
  const known = Object.keys(blockFormats).join(", ");
  refuse(subject, `one of ${known}`, type, "Take the model in one of these formats.");
}
