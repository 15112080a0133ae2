// Tensors on their way into a file, each made when its turn comes.

import { blockFormats, type FormatName, rowBytes } from "../blocks/formats.ts";

/** Takes the next bytes of a file. They may be overwritten once the promise has resolved. */
export type Sink = (bytes: Uint8Array) => Promise<void>;

export interface StreamedTensor {
  readonly name: string;
  /** Row-major, slowest axis first. */
  readonly shape: readonly number[];
  readonly format: FormatName;
  /** The blocks, in order. A piece may be overwritten when the next is asked for. */
  pieces(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export function bytesOfTensor({ shape, format }: Pick<StreamedTensor, "shape" | "format">): number {
  const rows = shape.slice(0, -1).reduce((product, axis) => product * axis, 1);
  return rows * rowBytes(blockFormats[format], shape[shape.length - 1]);
}

/** All pieces into the sink. @throws TypeError when they are not as many bytes as the tensor has */
export async function writeTensor(sink: Sink, tensor: StreamedTensor, signal?: AbortSignal): Promise<number> {
  const expected = bytesOfTensor(tensor);
  let written = 0;
  for await (const piece of tensor.pieces()) {
    signal?.throwIfAborted();
    await sink(piece);
    written += piece.byteLength;
  }
  if (written === expected) return written;
  throw new TypeError(`${tensor.name}: expected ${expected} bytes of ${tensor.format}, found ${written}.`);
}
