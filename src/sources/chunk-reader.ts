// A body of bytes, chunk by chunk, without leaving chunks behind.
import { discard } from "./discard.ts";

const CHUNK_BYTES = 1 << 20;

export interface ChunkReader extends Pick<ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>, "read" | "cancel"> {
  /** The chunk that was read last is not needed any more. */
  used(chunk: Uint8Array<ArrayBuffer>): void;
}

/**
 * Reads to one buffer over and over, where the body is a stream of bytes. Chunks of their own are collected late, above
 * all in Chromium, which holds each in two heaps: detaching one there makes it stay longer.
 */
export function readerOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): ChunkReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    const plain = body.getReader();
    return { read: () => plain.read(), cancel: (reason) => plain.cancel(reason), used: discard };
  }
  let room = new ArrayBuffer(CHUNK_BYTES);
  return {
    async read() {
      const result = await reader.read(new Uint8Array(room));
      return result as ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;
    },
    cancel: (reason) => reader.cancel(reason),
    used({ buffer }) {
      room = buffer;
    },
  };
}
