// GGUF files in memory, and broken ones where a test asks for them.
import { GgufBytes, paddingOf } from "../../../src/formats/gguf/bytes.ts";
import type { GgufValue } from "../../../src/formats/gguf/value.ts";
import { encodeGgufHeader } from "../../../src/formats/gguf/write.ts";

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

export function writeGguf(
  metadata: Iterable<readonly [string, GgufValue]>,
  tensors: readonly WrittenTensor[],
  { version, alignment = 32, tensorCount, keyCount, offsets = {} }: GgufOptions = {},
): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = tensors.map(({ data, ...tensor }) => {
    const offset = end;
    end += data.length + paddingOf(data.length, alignment);
    return { ...tensor, offset: Object.hasOwn(offsets, tensor.name) ? offsets[tensor.name] : offset };
  });
  const header = encodeGgufHeader(metadata, entries, alignment);
  const view = new DataView(header.buffer);
  if (version !== undefined) view.setUint32(4, version, true);
  if (tensorCount !== undefined) view.setBigUint64(8, BigInt(tensorCount), true);
  if (keyCount !== undefined) view.setBigUint64(16, BigInt(keyCount), true);
  const out = new GgufBytes();
  out.bytes(header);
  for (const { data } of tensors) {
    out.bytes(data);
    out.pad(alignment);
  }
  return out.finish();
}
