// Writes GGUF's kinds of values, which value.ts reads back, into a buffer that grows.
import type { GgufStrings } from "./strings.ts";
import { type GgufType, type GgufValue, leastBytes, typeNames } from "./value.ts";

type Scalar = number | bigint | boolean | string;

const utf8 = new TextEncoder();

export class GgufBytes {
  #view = new DataView(new ArrayBuffer(1 << 16));
  #length = 0;

  bytes(part: Uint8Array): void {
    const at = this.#take(part.length);
    new Uint8Array(this.#view.buffer).set(part, at);
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: number | bigint): void {
    const at = this.#take(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  string(text: string): void {
    const bytes = utf8.encode(text);
    this.u64(bytes.length);
    this.bytes(bytes);
  }

  /** The number of the type, then the value. */
  value(value: GgufValue): void {
    this.u32(typeNames.indexOf(value.type));
    this.#content(value);
  }

  /** Zeros up to the next multiple. */
  pad(alignment: number): void {
    this.#take(paddingOf(this.#length, alignment));
  }

  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#view.buffer.slice(0, this.#length));
  }

  #content({ type, items, value }: GgufValue): void {
    if (type !== "arr") {
      this.#scalar(type, value as Scalar);
      return;
    }
    const list = value as GgufStrings | ArrayLike<Scalar>;
    this.u32(typeNames.indexOf(items as GgufType));
    this.u64(list.length);
    if ("bytes" in list) this.bytes(list.bytes);
    else for (const item of Array.from(list)) this.#scalar(items as GgufType, item);
  }

  #scalar(type: GgufType, value: Scalar): void {
    if (type === "str") {
      this.string(value as string);
      return;
    }
    const at = this.#take(leastBytes[type]);
    const view = this.#view;
    const number = Number(value);
    if (type === "u8" || type === "bool") view.setUint8(at, number);
    else if (type === "i8") view.setInt8(at, number);
    else if (type === "u16") view.setUint16(at, number, true);
    else if (type === "i16") view.setInt16(at, number, true);
    else if (type === "u32") view.setUint32(at, number, true);
    else if (type === "i32") view.setInt32(at, number, true);
    else if (type === "f32") view.setFloat32(at, number, true);
    else if (type === "u64") view.setBigUint64(at, BigInt(value), true);
    else if (type === "i64") view.setBigInt64(at, BigInt(value), true);
    else view.setFloat64(at, number, true);
  }

  /** Offset of `count` new bytes. */
  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#view.byteLength) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(new Uint8Array(this.#view.buffer));
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

/** Bytes from `length` to the next multiple of `alignment`. */
export function paddingOf(length: number, alignment: number): number {
  return Math.ceil(length / alignment) * alignment - length;
}
