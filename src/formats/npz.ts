// .npz: a zip archive with one .npy file to each array, as numpy.savez and numpy.savez_compressed write it.
//
//   zip    entries … | central directory: one record to each entry | end record: where the directory is
//
// Read by this file, because no small library reads a part of an entry: unzipit 2.1.1 gives entries as streams from their
// beginning, where a trace of gigabytes is compared from its middle, and takes a directory of any size into memory;
// @zip.js/zip.js 2.24.0 says where an entry's data lies, but is 8.8 MB; npyjs 1.2.0 reads a single .npy, whole.
//
// Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3.

import type { ByteSource } from "../sources/source.ts";
import { decodeText } from "./json.ts";
import { type Content, type NpyArray, readNpy } from "./npy.ts";
import { refusePickle } from "./pickle.ts";
import { DAMAGED, refuse, within } from "./refusal.ts";

/** A compressed array is read fastest from its beginning to its end. */
export interface NpzArray extends NpyArray {
  readonly name: string;
}

const END_RECORD = 0x06054b50;
const END_RECORD_64 = 0x06064b50;
const END_LOCATOR_64 = 0x07064b50;
const DIRECTORY_RECORD = 0x02014b50;
const LOCAL_RECORD = 0x04034b50;
const END_BYTES = 22;
const MAX_COMMENT = 65535;
const MAX_DIRECTORY_BYTES = 16 << 20;
/** A trace of 24 layers has 427 points. */
const MAX_ARRAYS = 1 << 14;
const STORED = 0;
const DEFLATED = 8;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  /** Of its local record. */
  readonly offset: number;
}

/** @throws FormatError when the file is not a zip archive of .npy arrays of numbers in C order */
export async function readNpz(source: ByteSource, signal?: AbortSignal): Promise<NpzArray[]> {
  const arrays: NpzArray[] = [];
  for (const entry of await readDirectory(source, signal)) {
    if (entry.name.endsWith("data.pkl")) refusePickle(source.name);
    if (!entry.name.endsWith(".npy")) {
      refuse(within(source.name, entry.name), "files named .npy only", "another", "Write it with numpy.savez.");
    }
    arrays.push(await openArray(source, entry, signal));
  }
  return arrays;
}

async function readDirectory(source: ByteSource, signal?: AbortSignal): Promise<Entry[]> {
  const tailBytes = Math.min(source.size, END_BYTES + MAX_COMMENT);
  const tail = view(await source.read(source.size - tailBytes, tailBytes, signal));
  let end = tailBytes - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END_RECORD) end--;
  if (end < 0) refuse(source.name, "a zip archive's end record", "none", DAMAGED);
  let count = tail.getUint16(end + 10, true);
  let bytes = tail.getUint32(end + 12, true);
  let offset = tail.getUint32(end + 16, true);
  if (count === 0xffff || bytes === 0xffffffff || offset === 0xffffffff) {
    if (end < 20 || tail.getUint32(end - 20, true) !== END_LOCATOR_64)
      refuse(source.name, "a zip64 locator", "none", DAMAGED);
    const at = whole(source, tail.getBigUint64(end - 12, true));
    const wide = view(await read(source, at, 56, signal));
    if (wide.getUint32(0, true) !== END_RECORD_64) refuse(source.name, "a zip64 end record", "none", DAMAGED);
    count = whole(source, wide.getBigUint64(32, true));
    bytes = whole(source, wide.getBigUint64(40, true));
    offset = whole(source, wide.getBigUint64(48, true));
  }
  if (bytes > MAX_DIRECTORY_BYTES) {
    refuse(source.name, `a directory of at most ${MAX_DIRECTORY_BYTES} bytes`, `${bytes}`, DAMAGED);
  }
  if (count > MAX_ARRAYS) refuse(source.name, `at most ${MAX_ARRAYS} arrays`, `${count}`, "Write fewer.");
  return readEntries(source, await read(source, offset, bytes, signal), count);
}

function readEntries(source: ByteSource, directory: Uint8Array<ArrayBuffer>, count: number): Entry[] {
  const entries: Entry[] = [];
  const record = view(directory);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const isWhole = at + 46 <= directory.length && record.getUint32(at, true) === DIRECTORY_RECORD;
    if (!isWhole) refuse(source.name, `${count} files in its directory`, `${i}`, DAMAGED);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => record.getUint16(at + field, true));
    const next = at + 46 + nameBytes + extraBytes + commentBytes;
    if (next > directory.length) refuse(source.name, "a whole directory", "one cut short", DAMAGED);
    const name = decodeText(directory.subarray(at + 46, at + 46 + nameBytes), `${source.name}, a file's name`);
    const sizes = [24, 20, 42].map((field) => record.getUint32(at + field, true)); // bytes, compressed, offset
    const extra = directory.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes);
    const [bytes, compressedBytes, offset] = widened(source, extra, sizes);
    const isEncrypted = (record.getUint16(at + 8, true) & 1) === 1;
    if (isEncrypted) refuse(within(source.name, name), "no encryption", "some", "Write it with numpy.savez.");
    entries.push({ name, method: record.getUint16(at + 10, true), bytes, compressedBytes, offset });
    at = next;
  }
  return entries;
}

/** Sizes of 2³² − 1 stand in the zip64 field, in the same order. */
function widened(source: ByteSource, extra: Uint8Array<ArrayBuffer>, sizes: readonly number[]): number[] {
  const field = view(extra);
  for (let at = 0; at + 4 <= extra.length; at += 4 + field.getUint16(at + 2, true)) {
    if (field.getUint16(at, true) !== 1) continue;
    let from = at + 4;
    return sizes.map((size) => {
      if (size !== 0xffffffff) return size;
      if (from + 8 > extra.length) refuse(source.name, "a whole zip64 field", "one cut short", DAMAGED);
      from += 8;
      return whole(source, field.getBigUint64(from - 8, true));
    });
  }
  return [...sizes];
}

/** Found in an archive under its entry's name, without the extension that numpy.savez gives it. */
async function openArray(source: ByteSource, entry: Entry, signal?: AbortSignal): Promise<NpzArray> {
  const subject = within(source.name, entry.name);
  const content = await openEntry(source, subject, entry, signal);
  return { name: entry.name.slice(0, -".npy".length), ...(await readNpy(content, subject, entry.bytes, signal)) };
}

async function openEntry(source: ByteSource, subject: string, entry: Entry, signal?: AbortSignal): Promise<Content> {
  const local = view(await read(source, entry.offset, 30, signal));
  if (local.getUint32(0, true) !== LOCAL_RECORD) refuse(subject, "a file where the directory says", "none", DAMAGED);
  const begin = entry.offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  if (begin + entry.compressedBytes > source.size) refuse(subject, "a whole file", "one cut short", DAMAGED);
  if (entry.method === STORED && entry.bytes === entry.compressedBytes) {
    return { read: (offset, length, own) => source.read(begin + offset, length, own) };
  }
  if (entry.method !== DEFLATED) {
    refuse(subject, "a stored or deflated file", `method ${entry.method}`, "Write it with numpy.savez.");
  }
  return inflated(source, subject, begin, entry.compressedBytes);
}

/**
 * Reads forward through a deflated file, a piece at a time; what lies behind is read again from the beginning. Reads that
 * are asked for at once are done one after the other, for they share the place in the file.
 */
function inflated(source: ByteSource, subject: string, begin: number, compressedBytes: number): Content {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let piece = new Uint8Array(0);
  let at = 0; // of the piece's first byte
  let last: Promise<unknown> = Promise.resolve();
  const restart = () => {
    reader?.cancel().catch(() => {});
    reader = compressed(source, begin, compressedBytes).pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    [piece, at] = [new Uint8Array(0), 0];
  };
  const readNow: Content["read"] = async (offset, length, signal) => {
    if (reader === undefined || offset < at) restart();
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      signal?.throwIfAborted();
      const from = offset + done - at;
      if (from < piece.length) {
        const part = piece.subarray(from, from + length - done);
        bytes.set(part, done);
        done += part.length;
        continue;
      }
      const next = await (reader as NonNullable<typeof reader>).read().catch(() => undefined);
      if (next?.value === undefined) {
        reader = undefined;
        refuse(subject, "deflated data of the stated size", next === undefined ? "damaged data" : "less", DAMAGED);
      }
      at += piece.length;
      piece = new Uint8Array(next.value);
    }
    return bytes;
  };
  return {
    read(offset, length, signal) {
      const reading = last.then(() => readNow(offset, length, signal));
      last = reading.catch(() => {});
      return reading;
    },
  };
}

const PIECE_BYTES = 1 << 18;

function compressed(source: ByteSource, begin: number, bytes: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      const count = Math.min(PIECE_BYTES, bytes - at);
      if (count === 0) return controller.close();
      controller.enqueue(await source.read(begin + at, count));
      at += count;
    },
  });
}

async function read(
  source: ByteSource,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (offset + length > source.size)
    refuse(source.name, `a zip archive of at least ${offset + length} bytes`, `${source.size}`, DAMAGED);
  return source.read(offset, length, signal);
}

function whole(source: ByteSource, value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) refuse(source.name, "sizes below 2⁵³", `${value}`, DAMAGED);
  return Number(value);
}

function view(bytes: Uint8Array<ArrayBuffer>): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
