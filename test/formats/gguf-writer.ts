// Writes GGUF files byte for byte as gguf-py's GGUFWriter does, and broken ones where a test asks for them.
import type { GgufType, GgufValue } from "../../src/formats/gguf-value.ts";

export interface WrittenTensor {
  readonly name: string;
  /** Row-major. */
  readonly shape: readonly (number | bigint)[];
  readonly ggmlType: number;
  readonly data: Uint8Array;
}

export interface GgufOptions {
  readonly version?: number;
  readonly alignment?: number;
  /** Instead of the true ones, for broken files. */
  readonly tensorCount?: number | bigint;
  readonly keyCount?: number | bigint;
  /** Instead of the offset behind the tensor before. */
  readonly offsets?: Readonly<Record<string, number | bigint>>;
}

const typeIds: readonly GgufType[] = [
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
];

export function writeGguf(
  metadata: Iterable<readonly [string, GgufValue]>,
  tensors: readonly WrittenTensor[],
  options: GgufOptions = {},
): Uint8Array<ArrayBuffer> {
  const keys = [...metadata];
  const alignment = options.alignment ?? 32;
  const out = new ByteWriter();
  out.bytes(new TextEncoder().encode("GGUF"));
  out.u32(options.version ?? 3);
  out.u64(options.tensorCount ?? tensors.length);
  out.u64(options.keyCount ?? keys.length);
  for (const [key, value] of keys) {
    out.string(key);
    out.u32(typeIds.indexOf(value.type));
    writeContent(out, value);
  }
  let offset = 0;
  for (const { name, shape, ggmlType, data } of tensors) {
    out.string(name);
    out.u32(shape.length);
    for (const axis of [...shape].reverse()) out.u64(axis);
    out.u32(ggmlType);
    out.u64(options.offsets?.[name] ?? offset);
    offset += Math.ceil(data.length / alignment) * alignment;
  }
  out.pad(alignment);
  for (const { data } of tensors) {
    out.bytes(data);
    out.pad(alignment);
  }
  return out.finish();
}

/** A key of a scalar type. */
export function scalar(type: GgufType, value: number | bigint | boolean | string): GgufValue {
  return { type, value };
}

export function strings(value: readonly string[]): GgufValue {
  return { type: "arr", items: "str", value };
}

export function integers(value: readonly number[]): GgufValue {
  return { type: "arr", items: "i32", value };
}

function writeContent(out: ByteWriter, { type, items, value }: GgufValue): void {
  if (type !== "arr") {
    out.scalar(type, value as number | bigint | boolean | string);
    return;
  }
  const list = Array.from(value as ArrayLike<unknown>);
  out.u32(typeIds.indexOf(items as GgufType));
  out.u64(list.length);
  for (const item of list) {
    if (items === "arr") writeContent(out, item as GgufValue);
    else out.scalar(items as GgufType, item as number | bigint | boolean | string);
  }
}

export class ByteWriter {
  private parts: Uint8Array[] = [];
  private length = 0;

  bytes(part: Uint8Array): void {
    this.parts.push(part);
    this.length += part.length;
  }

  u32(value: number): void {
    this.scalar("u32", value);
  }

  u64(value: number | bigint): void {
    this.scalar("u64", value);
  }

  string(text: string): void {
    this.scalar("str", text);
  }

  pad(alignment: number): void {
    this.bytes(new Uint8Array(Math.ceil(this.length / alignment) * alignment - this.length));
  }

  scalar(type: GgufType, value: number | bigint | boolean | string): void {
    if (type === "str") {
      const text = new TextEncoder().encode(value as string);
      this.u64(text.length);
      this.bytes(text);
      return;
    }
    const view = new DataView(new ArrayBuffer(8));
    const number = Number(value);
    if (type === "u8" || type === "bool") view.setUint8(0, number);
    if (type === "i8") view.setInt8(0, number);
    if (type === "u16") view.setUint16(0, number, true);
    if (type === "i16") view.setInt16(0, number, true);
    if (type === "u32") view.setUint32(0, number, true);
    if (type === "i32") view.setInt32(0, number, true);
    if (type === "f32") view.setFloat32(0, number, true);
    if (type === "u64") view.setBigUint64(0, BigInt(value), true);
    if (type === "i64") view.setBigInt64(0, BigInt(value), true);
    if (type === "f64") view.setFloat64(0, number, true);
    this.bytes(new Uint8Array(view.buffer, 0, scalarBytes[type]));
  }

  finish(): Uint8Array<ArrayBuffer> {
    const file = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.parts) {
      file.set(part, at);
      at += part.length;
    }
    return file;
  }
}

const scalarBytes: Readonly<Record<string, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  u64: 8,
  i64: 8,
  f64: 8,
};
