// The bytes of one tensor in pieces of whole rows, the next piece being read while one is worked on.
import { blockFormats, rowBytes } from "../blocks/formats.ts";
import type { ByteSource } from "../sources/source.ts";
import type { StoredTensor } from "./checkpoint.ts";
import { widened } from "./part-bytes.ts";

/** Weights to a piece: small enough to report progress and to notice Ctrl-C ten times a second. */
const PIECE_WEIGHTS = 1 << 20;

export async function* rowsOf(
  files: readonly ByteSource[],
  { format, shape, parts }: StoredTensor,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const cols = shape[shape.length - 1];
  const ranges = parts.flatMap(({ file, offset, bytes, format: own }) => {
    const inFile = rowBytes(blockFormats[own ?? format], cols);
    const most = Math.max(1, Math.floor(PIECE_WEIGHTS / cols)) * inFile;
    return Array.from({ length: Math.ceil(bytes / most) }, (_, i) => {
      return { file: files[file], offset: offset + i * most, length: Math.min(most, bytes - i * most), own };
    });
  });
  const read = (index: number): Promise<Uint8Array> | undefined => {
    if (index >= ranges.length) return undefined;
    const { file, offset, length } = ranges[index];
    const reading = file.read(offset, length, signal);
    // A failure is met where the piece is awaited; until then it must not count as unhandled.
    reading.catch(() => {});
    return reading;
  };
  let next = read(0);
  for (let i = 0; i < ranges.length; i++) {
    const piece = (await next) as Uint8Array;
    next = read(i + 1);
    yield widened(format, ranges[i].own, piece);
  }
}
