// A source some of whose bytes are read early, and kept until they are read again, so that none is fetched twice.
import type { ByteSource } from "./source.ts";

export interface RememberingSource extends ByteSource {
  /** Reads, and keeps what was read for the next `read`. */
  remember(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

interface Kept {
  readonly offset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function rememberingSource(source: ByteSource): RememberingSource {
  let kept: Kept[] = [];

  async function assemble(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const end = offset + length;
    const known = kept.filter((piece) => piece.offset < end && piece.offset + piece.bytes.length > offset);
    if (known.length === 0) return source.read(offset, length, signal);
    const bytes = new Uint8Array(length);
    for (let at = offset; at < end; ) {
      const piece = known.find((found) => found.offset <= at && found.offset + found.bytes.length > at);
      const next = Math.min(end, ...known.map((found) => found.offset).filter((begin) => begin > at));
      const part = piece
        ? piece.bytes.subarray(at - piece.offset, end - piece.offset)
        : await source.read(at, next - at, signal);
      bytes.set(part, at - offset);
      at += part.length;
    }
    return bytes;
  }

  return {
    name: source.name,
    size: source.size,
    get descriptor() {
      return source.descriptor;
    },
    async remember(offset, length, signal) {
      const bytes = await assemble(offset, length, signal);
      kept.push({ offset, bytes: bytes.slice() });
      return bytes;
    },
    async read(offset, length, signal) {
      const bytes = await assemble(offset, length, signal);
      const isTaken = (piece: Kept): boolean =>
        piece.offset >= offset && piece.offset + piece.bytes.length <= offset + length;
      kept = kept.filter((piece) => !isTaken(piece));
      return bytes;
    },
    verify: (signal) => source.verify(signal),
    close: () => source.close(),
  };
}
