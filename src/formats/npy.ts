// .npy: one array, as numpy.save writes it.
//
//   "\x93NUMPY" major minor | header length u16 (u32 from version 2) | {'descr': '<f4', 'fortran_order': False,
//   'shape': (17, 64), } | numbers
//
// Source: numpy 2.3, numpy/lib/_format_impl.py.

import { f16ToF32 } from "../blocks/f16.ts";
import type { TensorData } from "./hf/safetensors.ts";
import { decodeText } from "./json.ts";
import { DAMAGED, refuse, show } from "./refusal.ts";

export interface NpyArray {
  readonly shape: readonly number[];
  /** Stored in 16 bits. */
  readonly isHalf: boolean;
  /** Numbers from … from + count − 1. */
  read(from: number, count: number, signal?: AbortSignal): Promise<TensorData>;
}

export interface Content {
  /** Bytes of the uncompressed file, in a buffer of their own. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

const MAX_NPY_HEADER = 65536;

/** One number in a .npy file, as a JavaScript typed array reads it. */
const types: Readonly<Record<string, { readonly bytes: number; decode(bytes: Uint8Array<ArrayBuffer>): TensorData }>> =
  {
    "<f2": { bytes: 2, decode: (bytes) => Float32Array.from(new Uint16Array(bytes.buffer), f16ToF32) },
    "<f4": { bytes: 4, decode: (bytes) => new Float32Array(bytes.buffer) },
    "<f8": { bytes: 8, decode: (bytes) => new Float64Array(bytes.buffer) },
    "|u1": { bytes: 1, decode: (bytes) => bytes },
    "|i1": { bytes: 1, decode: (bytes) => new Int8Array(bytes.buffer) },
    "<i2": { bytes: 2, decode: (bytes) => new Int16Array(bytes.buffer) },
    "<u2": { bytes: 2, decode: (bytes) => new Uint16Array(bytes.buffer) },
    "<i4": { bytes: 4, decode: (bytes) => new Int32Array(bytes.buffer) },
    "<u4": { bytes: 4, decode: (bytes) => new Uint32Array(bytes.buffer) },
    "<i8": { bytes: 8, decode: (bytes) => new BigInt64Array(bytes.buffer) },
    "<u8": { bytes: 8, decode: (bytes) => new BigUint64Array(bytes.buffer) },
  };

/**
 * @param bytes  of the whole array with its header
 * @throws FormatError when it is not an array of numbers in C order
 */
export async function readNpy(
  content: Content,
  subject: string,
  bytes: number,
  signal?: AbortSignal,
): Promise<NpyArray> {
  const start = await content.read(0, Math.min(12, bytes), signal);
  if (start.length < 12 || String.fromCharCode(...start.subarray(1, 6)) !== "NUMPY" || start[0] !== 0x93) {
    refuse(subject, "a .npy array", "something else", "Write it with numpy.save or numpy.savez.");
  }
  const isFirst = start[6] === 1;
  const view = new DataView(start.buffer, start.byteOffset);
  const headerBytes = isFirst ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerBytes > MAX_NPY_HEADER)
    refuse(subject, `a header of at most ${MAX_NPY_HEADER} bytes`, `${headerBytes}`, DAMAGED);
  const begin = (isFirst ? 10 : 12) + headerBytes;
  if (begin > bytes) refuse(subject, "a whole header", "one cut short", DAMAGED);
  const header = decodeText(await content.read(begin - headerBytes, headerBytes, signal), subject);
  const { type, shape } = readNpyHeader(subject, header);
  const numbers = shape.reduce((product, axis) => product * axis, 1);
  if (begin + numbers * type.bytes !== bytes) {
    refuse(subject, `${numbers * type.bytes} bytes for (${shape.join(", ")})`, `${bytes - begin}`, DAMAGED);
  }
  return {
    shape,
    isHalf: type === types["<f2"],
    async read(from, count, readSignal) {
      if (from < 0 || count < 0 || from + count > numbers) {
        throw new RangeError(`${subject}: no numbers ${from} to ${from + count}.`);
      }
      return type.decode(await content.read(begin + from * type.bytes, count * type.bytes, readSignal));
    },
  };
}

/** The header is a Python literal; numpy writes it in this one way. */
function readNpyHeader(subject: string, header: string) {
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const axes = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const type = descr !== undefined && Object.hasOwn(types, descr) ? types[descr] : undefined;
  if (type === undefined) {
    refuse(
      subject,
      `a dtype of ${Object.keys(types).join(", ")}`,
      show(descr),
      "Convert it: array.astype(numpy.float32).",
    );
  }
  if (order !== "False") {
    refuse(subject, "fortran_order False", show(order), "Write numpy.ascontiguousarray(array) instead.");
  }
  const shape = axes?.split(",").flatMap((axis) => (axis.trim() === "" ? [] : [Number(axis)]));
  if (shape === undefined || shape.length > 8 || !shape.every(Number.isSafeInteger)) {
    refuse(subject, "a shape of up to 8 sizes", show(axes), DAMAGED);
  }
  return { type, shape };
}
