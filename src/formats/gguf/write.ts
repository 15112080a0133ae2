// Writes GGUF v3 as a stream: header, metadata and directory first, then one tensor after another, in pieces.
import { blockFormats } from "../../blocks/formats.ts";
import { bytesOfTensor, type Sink, type StreamedTensor, writeTensor } from "../streamed-tensor.ts";
import { GgufBytes, paddingOf } from "./bytes.ts";
import { encodeStrings } from "./strings.ts";
import type { GgufValue } from "./value.ts";

const VERSION = 3;
const DEFAULT_ALIGNMENT = 32;

export interface DirectoryEntry {
  readonly name: string;
  /** Row-major; the file stores the fastest axis first. */
  readonly shape: readonly (number | bigint)[];
  readonly ggmlType: number;
  /** From the beginning of the file's data. */
  readonly offset: number | bigint;
}

/** Everything before the file's data, byte for byte as gguf-py's GGUFWriter writes it. */
export function encodeGgufHeader(
  metadata: Iterable<readonly [string, GgufValue]>,
  entries: readonly DirectoryEntry[],
  alignment: number,
): Uint8Array<ArrayBuffer> {
  const keys = [...metadata];
  const out = new GgufBytes();
  out.bytes(new TextEncoder().encode("GGUF"));
  out.u32(VERSION);
  out.u64(entries.length);
  out.u64(keys.length);
  for (const [key, value] of keys) {
    out.string(key);
    out.value(value);
  }
  for (const { name, shape, ggmlType, offset } of entries) {
    out.string(name);
    out.u32(shape.length);
    for (const axis of [...shape].reverse()) out.u64(axis);
    out.u32(ggmlType);
    out.u64(offset);
  }
  out.pad(alignment);
  return out.finish();
}

/**
 * A whole GGUF file into `sink`, tensors in the order given, each at a multiple of the alignment: `general.alignment`
 * where the metadata states it.
 *
 * @returns bytes of the file
 * @throws what a tensor's pieces or the sink throw; the signal's reason when aborted
 */
export async function writeGguf(
  sink: Sink,
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: readonly StreamedTensor[],
  signal?: AbortSignal,
): Promise<number> {
  const alignment = Number(metadata.get("general.alignment")?.value ?? DEFAULT_ALIGNMENT);
  let offset = 0;
  const entries = tensors.map((tensor): DirectoryEntry => {
    const entry = { ...tensor, ggmlType: blockFormats[tensor.format].ggmlType, offset };
    const bytes = bytesOfTensor(tensor);
    offset += bytes + paddingOf(bytes, alignment);
    return entry;
  });
  const header = encodeGgufHeader(metadata, entries, alignment);
  await sink(header);
  for (const tensor of tensors) {
    const bytes = await writeTensor(sink, tensor, signal);
    await sink(new Uint8Array(paddingOf(bytes, alignment)));
  }
  return header.byteLength + offset;
}

/** A value of a scalar type. */
export function scalar(type: GgufValue["type"], value: number | bigint | boolean | string): GgufValue {
  return { type, value };
}

export function strings(value: readonly string[]): GgufValue {
  return { type: "arr", items: "str", value: encodeStrings(value) };
}

export function integers(value: readonly number[]): GgufValue {
  return { type: "arr", items: "i32", value };
}
