// The thirteen kinds of GGUF metadata values, read from a window that grows with the header.
import type { ByteSource } from "../../sources/source.ts";
import { DAMAGED, refuse, show, within } from "../refusal.ts";
import { type GgufStrings, showableStrings } from "./strings.ts";

/** By the numbers GGUF files store. Source: ggml/docs/gguf.md, enum gguf_metadata_value_type. */
export const typeNames = [
  "u8",
  "i8",
  "u16",
  "i16",
  "u32",
  "i32",
  "f32",
  "bool",
  "str",
  "arr",
  "u64",
  "i64",
  "f64",
] as const;
export type GgufType = (typeof typeNames)[number];

/**
 * Arrays of at most 32-bit numbers, and of f64, are typed arrays. u64 and i64 are bigint beyond 2⁵³. Arrays of arrays,
 * which no LFM2 file has and llama.cpp does not read either, are refused.
 */
export type GgufContent =
  | number
  | bigint
  | boolean
  | string
  | ArrayLike<number>
  | readonly (number | bigint)[]
  | readonly boolean[]
  | GgufStrings;

export interface GgufValue {
  readonly type: GgufType;
  /** What an array holds. */
  readonly items?: GgufType;
  /** An f32 is given as the shortest decimal that rounds to it: the number its author wrote. */
  readonly value: GgufContent;
}

/** 128,000 tokens with their merges are 6 MB. */
const MAX_HEADER_BYTES = 1 << 25;
/** Strings, booleans and 64-bit numbers in one file. 262,144 tokens with their merges are 800,000. */
const MAX_ARRAY_ITEMS = 1_000_000;
const FIRST_BYTES = 1024 * 1024;

/** The beginning of a file, as far as it has been read. */
export interface Window {
  readonly source: ByteSource;
  view: DataView<ArrayBuffer>;
  /** Offset of the next value to parse. */
  position: number;
  arrayItems: number;
}

export async function openWindow(source: ByteSource, signal?: AbortSignal): Promise<Window> {
  const bytes = await source.read(0, Math.min(FIRST_BYTES, source.size), signal);
  return { source, view: new DataView(bytes.buffer), position: 0, arrayItems: 0 };
}

/** Thrown by `take` where the window ends but the file does not; `parsed` catches it, reads on and tries again. */
const READ_ON = Symbol("the window ends here");

/** What `parse` reads at the window's position; the window grows until it holds all of it. */
export async function parsed<T>(window: Window, parse: (window: Window) => T, signal?: AbortSignal): Promise<T> {
  const { position, arrayItems } = window;
  for (;;) {
    try {
      return parse(window);
    } catch (error) {
      if (error !== READ_ON) throw error;
    }
    window.position = position;
    window.arrayItems = arrayItems;
    await grow(window, signal);
  }
}

/** Doubling keeps what is parsed again below what is read. */
async function grow(window: Window, signal?: AbortSignal): Promise<void> {
  const have = window.view.byteLength;
  const bytesMore = Math.min(have, window.source.size - have, MAX_HEADER_BYTES - have);
  const more = await window.source.read(have, bytesMore, signal);
  const bytes = new Uint8Array(have + more.length);
  bytes.set(new Uint8Array(window.view.buffer));
  bytes.set(more, have);
  window.view = new DataView(bytes.buffer);
}

/** Offset of the next `length` bytes, which are then read. `subject` says whose they are. */
function take(window: Window, length: number, subject: string): number {
  const { position, source } = window;
  const left = source.size - position;
  if (length > left) refuse(within(source.name, subject), `${length} bytes`, `${left} left in the file`, DAMAGED);
  if (position + length > MAX_HEADER_BYTES) {
    refuse(within(source.name, subject), `a header of at most ${MAX_HEADER_BYTES} bytes`, "a larger one", DAMAGED);
  }
  if (position + length > window.view.byteLength) throw READ_ON;
  window.position += length;
  return position;
}

export function readU32(window: Window, subject: string): number {
  const at = take(window, 4, subject);
  return window.view.getUint32(at, true);
}

/** A u64 that counts, measures or places something. */
export function readSize(window: Window, subject: string): number {
  const at = take(window, 8, subject);
  // Two halves: a bigint for each of a vocabulary's strings doubled the time to read it.
  const size = window.view.getUint32(at, true) + window.view.getUint32(at + 4, true) * 2 ** 32;
  if (size > Number.MAX_SAFE_INTEGER) {
    const found = `${window.view.getBigUint64(at, true)}`;
    refuse(within(window.source.name, subject), "a size below 2^53", found, DAMAGED);
  }
  return size;
}

// A byte order mark is a character like any other here.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function readString(window: Window, subject: string): string {
  const length = readSize(window, subject);
  const at = take(window, length, subject);
  try {
    return utf8.decode(new Uint8Array(window.view.buffer, at, length));
  } catch {
    refuse(within(window.source.name, subject), "UTF-8 text", "bytes that are not UTF-8", DAMAGED);
  }
}

export function readValue(window: Window, subject: string): GgufValue {
  const type = readType(window, subject);
  return type === "arr" ? readArray(window, subject) : { type, value: readScalar(window, type, subject) };
}

function readType(window: Window, subject: string): GgufType {
  const id = readU32(window, subject);
  if (id >= typeNames.length) {
    refuse(within(window.source.name, subject), `a value type of 0 to ${typeNames.length - 1}`, `${id}`, DAMAGED);
  }
  return typeNames[id];
}

function readScalar(window: Window, type: GgufType, subject: string): number | bigint | boolean | string {
  if (type === "str") return readString(window, subject);
  const at = take(window, leastBytes[type], subject);
  const { view } = window;
  if (type === "u8") return view.getUint8(at);
  if (type === "i8") return view.getInt8(at);
  if (type === "u16") return view.getUint16(at, true);
  if (type === "i16") return view.getInt16(at, true);
  if (type === "u32") return view.getUint32(at, true);
  if (type === "i32") return view.getInt32(at, true);
  if (type === "f32") return shortestDecimal(view.getFloat32(at, true));
  if (type === "u64") return asNumber(view.getBigUint64(at, true));
  if (type === "i64") return asNumber(view.getBigInt64(at, true));
  if (type === "f64") return view.getFloat64(at, true);
  const byte = view.getUint8(at);
  if (byte > 1) refuse(within(window.source.name, subject), "a boolean of 0 or 1", `${byte}`, DAMAGED);
  return byte === 1;
}

function readArray(window: Window, subject: string): GgufValue {
  const items = readType(window, subject);
  if (items === "arr") {
    const remedy = "No LFM2 model has such metadata; take another copy.";
    refuse(within(window.source.name, subject), "an array of numbers, booleans or texts", "one of arrays", remedy);
  }
  const length = readSize(window, subject);
  const left = window.source.size - window.position;
  if (length > left / leastBytes[items]) {
    refuse(within(window.source.name, subject), `${length} items`, `${left} bytes left in the file`, DAMAGED);
  }
  const TypedArray = typedArrays[items];
  if (TypedArray) {
    const bytes = length * leastBytes[items];
    const at = take(window, bytes, subject);
    // A copy, because typed arrays must begin at a multiple of their item's size. Little-endian, like every host.
    return { type: "arr", items, value: new TypedArray(window.view.buffer.slice(at, at + bytes)) };
  }
  window.arrayItems += length;
  if (window.arrayItems > MAX_ARRAY_ITEMS) {
    refuse(within(window.source.name, subject), `at most ${MAX_ARRAY_ITEMS} items`, `${length}`, DAMAGED);
  }
  if (items === "str") return { type: "arr", items, value: readStrings(window, length, subject) };
  const value = [];
  for (let i = 0; i < length; i++) value.push(readScalar(window, items, subject));
  return { type: "arr", items, value: value as GgufContent };
}

function readStrings(window: Window, length: number, subject: string): GgufStrings {
  const from = window.position;
  for (let i = 0; i < length; i++) take(window, readSize(window, subject), subject);
  return { length, bytes: new Uint8Array(window.view.buffer.slice(from, window.position)) };
}

/** Bytes of a value; at least so many where the value has a length of its own. */
export const leastBytes: Readonly<Record<GgufType, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  str: 8,
  arr: 12,
  u64: 8,
  i64: 8,
  f64: 8,
};

const typedArrays: Partial<Record<GgufType, new (buffer: ArrayBuffer) => ArrayLike<number>>> = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
};

function asNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function shortestDecimal(f32: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(f32.toPrecision(digits));
    if (Math.fround(decimal) === f32) return decimal;
  }
  return f32;
}

/** A value as a message may show it. */
export function showValue({ value }: GgufValue): string {
  if (typeof value !== "object") return show(value);
  if (value.length > 16) return `${value.length} items`;
  return `[${listed(value).map(show).join(", ")}]`;
}

/** The items of an array, for display. */
export function listed(array: Extract<GgufContent, object>): unknown[] {
  return "bytes" in array ? showableStrings(array) : Array.from<unknown>(array);
}
