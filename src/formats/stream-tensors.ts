// Reads many tensors in the order in which their bytes lie in the files, in pieces, so that nothing is held twice.
import { discard } from "../sources/discard.ts";
import type { ByteSource } from "../sources/source.ts";
import type { Part, StoredTensor } from "./checkpoint.ts";
import { widened, widening } from "./part-bytes.ts";

type Room = Uint8Array<ArrayBuffer>;
type Rooms = readonly Room[];

export interface TensorSink {
  readonly tensor: StoredTensor;
  /** Pieces are cut at multiples of this many bytes of the tensor; every part of it is one. */
  readonly granule?: number;
  /** Where pieces may be read to, all of one size, so that `write` finds them there. Many sinks may have the same. */
  readonly rooms?: Rooms;
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
/** A read of a disk costs little, and what is in rooms stays in the processor's caches: 4.7 GB in 1.7 s instead of 2. */
const DISK_PIECE_BYTES = 2 << 20;
/** Pieces that are read while one is being delivered. */
const AHEAD = 3;

interface Segment {
  readonly file: number;
  readonly offset: number;
  readonly bytes: number;
  readonly at: number;
  readonly format: Part["format"];
  readonly sink: TensorSink;
}

/**
 * Reads ahead of the piece that is being delivered.
 * @throws SourceError when the bytes cannot be had, or turn out to be of files that changed. Rooms may be written to
 *         until the files are closed
 */
export async function streamTensors(
  files: readonly ByteSource[],
  sinks: readonly TensorSink[],
  { signal, onBytes, pieceBytes = isOnDisk(files) ? DISK_PIECE_BYTES : PIECE_BYTES }: StreamOptions = {},
): Promise<void> {
  // A request costs more than copying what it brings: rooms that hold less than a piece are left to disks.
  const segments = inFileOrder(isOnDisk(files) ? sinks : withRoomsOf(pieceBytes, sinks), pieceBytes);
  const total = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  let loaded = 0;
  const pieces = joinPieces(segments, pieceBytes);
  const free = new Map<Rooms, Room[]>();
  /** Under way, in order. */
  const reads: { readonly reading: Promise<Uint8Array>; readonly room: Room | undefined }[] = [];
  let begun = 0;
  /** As far as there are rooms. */
  const readUpTo = (last: number): void => {
    for (; begun < pieces.length && begun <= last; begun++) {
      const piece = pieces[begun];
      const { rooms } = piece;
      if (rooms !== undefined && !free.has(rooms)) free.set(rooms, [...rooms]);
      const room = rooms && free.get(rooms)?.pop();
      if (rooms !== undefined && room === undefined) return;
      const reading = files[piece.file].read(piece.begin, piece.end - piece.begin, signal, room);
      // A failure is met where the piece is awaited; until then it must not count as unhandled.
      reading.catch(() => {});
      reads.push({ reading, room });
    }
  };
  for (const [i, piece] of pieces.entries()) {
    readUpTo(i + AHEAD);
    const { reading, room } = reads.shift() as (typeof reads)[number];
    const bytes = await reading;
    signal?.throwIfAborted();
    for (const { offset, bytes: count, at, format, sink } of piece.segments) {
      const from = offset - piece.begin;
      sink.write(at, widened(sink.tensor.format, format, bytes.subarray(from, from + count)));
      loaded += count;
    }
    if (piece.rooms === undefined) discard(bytes);
    else free.get(piece.rooms)?.push(room as Room);
    onBytes?.(loaded, total);
  }
  await Promise.all(files.map((file) => file.verify(signal)));
}

function isOnDisk(files: readonly ByteSource[]): boolean {
  return files.every(({ descriptor: { kind } }) => kind === "file" || kind === "kept");
}

function withRoomsOf(bytes: number, sinks: readonly TensorSink[]): TensorSink[] {
  return sinks.map((sink) => (bytesIn(sink.rooms) < bytes ? { ...sink, rooms: undefined } : sink));
}

const bytesIn = (rooms: Rooms | undefined): number => rooms?.[0].byteLength ?? Number.POSITIVE_INFINITY;

/** Rooms for a sink's pieces, where they are large enough. */
function roomsOf({ rooms, granule = 1 }: TensorSink): Rooms | undefined {
  return rooms === undefined || granule > bytesIn(rooms) ? undefined : rooms;
}

/** Every part of every tensor, cut to at most `pieceBytes` and to what a room holds, sorted as they lie in the files. */
function inFileOrder(sinks: readonly TensorSink[], pieceBytes: number): Segment[] {
  const segments: Segment[] = [];
  for (const sink of sinks) {
    let at = 0;
    const granule = sink.granule ?? 1;
    const bound = Math.min(pieceBytes, bytesIn(roomsOf(sink)));
    const most = Math.max(granule, Math.floor(bound / granule) * granule);
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
  rooms: Rooms | undefined;
}

/**
 * Groups neighbours that together span at most `pieceBytes` into one read, where they have the same rooms or none; small
 * gaps between them are read and dropped. What has no rooms is read into those of its neighbours: a norm between two
 * matrices would be a request of its own otherwise.
 */
function joinPieces(segments: readonly Segment[], pieceBytes: number): Piece[] {
  const pieces: Piece[] = [];
  for (const segment of segments) {
    const { file, offset: begin } = segment;
    const end = begin + segment.bytes;
    const piece = pieces.at(-1);
    const own = roomsOf(segment.sink);
    const rooms = own ?? piece?.rooms;
    const joins =
      piece !== undefined &&
      piece.file === file &&
      (piece.rooms === undefined || piece.rooms === rooms) &&
      Math.max(piece.end, end) - piece.begin <= Math.min(pieceBytes, bytesIn(rooms)) &&
      begin - piece.end <= pieceBytes >> 4;
    if (joins) {
      piece.segments.push(segment);
      piece.end = Math.max(piece.end, end);
      piece.rooms = rooms;
    } else {
      pieces.push({ file, begin, end, segments: [segment], rooms: own });
    }
  }
  return pieces;
}
