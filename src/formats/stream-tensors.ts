// Reads many tensors in the order in which their bytes lie in the files, in pieces, so that nothing is held twice.
import type { ByteSource } from "../sources/source.ts";
import type { Part, StoredTensor } from "./checkpoint.ts";
import { widened, widening } from "./part-bytes.ts";

export interface TensorSink {
  readonly tensor: StoredTensor;
  /** Pieces are cut at multiples of this many bytes of the tensor; every part of it is one. */
  readonly granule?: number;
  /** Takes a piece of the tensor's bytes; `at` counts from the tensor's first byte. */
  write(at: number, bytes: Uint8Array): void;
}

export interface StreamOptions {
  readonly signal?: AbortSignal;
  /** Called after every piece, with tensor bytes delivered so far. */
  readonly onBytes?: (loaded: number, total: number) => void;
  readonly pieceBytes?: number;
}

/** Large enough that a request's overhead vanishes, small enough to abort and to show progress. */
const PIECE_BYTES = 8 << 20;

interface Segment {
  readonly file: number;
  readonly offset: number;
  readonly bytes: number;
  readonly at: number;
  readonly format: Part["format"];
  readonly sink: TensorSink;
}

/**
 * Reads one piece ahead of the one being delivered.
 * @throws SourceError when the bytes cannot be had, or turn out to be of files that changed
 */
export async function streamTensors(
  files: readonly ByteSource[],
  sinks: readonly TensorSink[],
  { signal, onBytes, pieceBytes = PIECE_BYTES }: StreamOptions = {},
): Promise<void> {
  const segments = inFileOrder(sinks, pieceBytes);
  const total = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  let loaded = 0;
  const pieces = joinPieces(segments, pieceBytes);
  const readPiece = (piece: Piece | undefined): Promise<Uint8Array> | undefined => {
    if (piece === undefined) return undefined;
    const reading = files[piece.file].read(piece.begin, piece.end - piece.begin, signal);
    // A failure is met where the piece is awaited; until then it must not count as unhandled.
    reading.catch(() => {});
    return reading;
  };
  let next = readPiece(pieces[0]);
  for (const [i, piece] of pieces.entries()) {
    const bytes = (await next) as Uint8Array;
    signal?.throwIfAborted();
    next = readPiece(pieces[i + 1]);
    for (const { offset, bytes: count, at, format, sink } of piece.segments) {
      const from = offset - piece.begin;
      sink.write(at, widened(sink.tensor.format, format, bytes.subarray(from, from + count)));
      loaded += count;
    }
    onBytes?.(loaded, total);
  }
  await Promise.all(files.map((file) => file.verify(signal)));
}

/** Every part of every tensor, cut to at most `pieceBytes`, sorted as they lie in the files. */
function inFileOrder(sinks: readonly TensorSink[], pieceBytes: number): Segment[] {
  const segments: Segment[] = [];
  for (const sink of sinks) {
    let at = 0;
    const granule = sink.granule ?? 1;
    const most = Math.max(granule, Math.floor(pieceBytes / granule) * granule);
    for (const part of sink.tensor.parts) {
      const { file, offset, bytes, format } = part;
      const times = widening(sink.tensor, part);
      for (let done = 0; done < bytes; done += most / times) {
        const count = Math.min(most / times, bytes - done);
        segments.push({ file, offset: offset + done, bytes: count, at: at + done * times, format, sink });
      }
      at += bytes * times;
    }
  }
  return segments.sort((a, b) => a.file - b.file || a.offset - b.offset);
}

/** One read: bytes [begin, end) of a file, and what lies in them. */
interface Piece {
  readonly file: number;
  readonly begin: number;
  end: number;
  readonly segments: Segment[];
}

/** Groups neighbours that together span at most `pieceBytes` into one read; small gaps between them are read and dropped. */
function joinPieces(segments: readonly Segment[], pieceBytes: number): Piece[] {
  const pieces: Piece[] = [];
  for (const segment of segments) {
    const { file, offset: begin } = segment;
    const end = begin + segment.bytes;
    const piece = pieces.at(-1);
    const joins =
      piece !== undefined &&
      piece.file === file &&
      end - piece.begin <= pieceBytes &&
      begin - piece.end <= pieceBytes >> 4;
    if (joins) {
      piece.segments.push(segment);
      piece.end = Math.max(piece.end, end);
    } else {
      pieces.push({ file, begin, end, segments: [segment] });
    }
  }
  return pieces;
}
