// A run that somebody recorded: named numbers, read a few rows at a time.
import type { JsonObject } from "../../formats/json.ts";
import type { PointKind } from "./point-names.ts";

export interface RecordedPoint {
  readonly name: string;
  readonly kind: PointKind;
  /** Positions. */
  readonly rows: number;
  readonly cols: number;
  /** As it was stored, where that says more. */
  readonly axes?: readonly number[];
  /** Rows of the run before this point's first one. */
  readonly skipped?: number;
  /** Its name in a file that has others than the graph's. */
  readonly foreignName?: string;
  /** Rows from … from + count − 1, row-major: float32 numbers, or the ids of experts. */
  read(from: number, count: number): Promise<Float32Array | Int32Array>;
  /** Numbers from … from + count − 1, where a row need not be read whole. */
  readonly readNumbers?: (from: number, count: number) => Promise<Float32Array | Int32Array>;
}

export interface RecordedRun {
  /** Path or name, for messages. */
  readonly name: string;
  readonly points: ReadonlyMap<string, RecordedPoint>;
  /** Whether `points` are in the order of execution. */
  readonly isOrdered: boolean;
  readonly ids: readonly number[] | undefined;
  /** Position of the first row. */
  readonly start: number;
  /** Positions that are no padding, of those that were run, where some are; `ids` and points of so many rows are without it. */
  readonly kept?: Kept;
  /** How it was lined up with another, and what is odd about it: a sentence each. */
  readonly notes?: readonly string[];
  /** What a comparison with it cannot see, beyond the points that it has not: a list in words. */
  readonly unseen?: string;
  /** What the recording says of itself; undefined where the file has no place for it. */
  readonly about: AboutRun | undefined;
  /** How it would be made in float32, an imperative, where that is known. */
  readonly inFloat32?: string;
  /** The coarsest format its numbers are kept in, where that is coarser than float32. */
  readonly stored?: StoredFloat;
  close(): Promise<void>;
}

/** Positions in one piece, of so many. */
export interface Kept {
  readonly from: number;
  readonly count: number;
  readonly of: number;
}

/** Floats of 16 bits. */
export type StoredFloat = "bf16" | "f16";

export interface AboutRun {
  /** Keys and values of the model's config.json. */
  readonly config: JsonObject;
  readonly model: string | undefined;
  readonly backend: string | undefined;
  readonly mode: string | undefined;
  readonly kvType: string | undefined;
  /** Of the model's tensors. */
  readonly blockFormats?: readonly string[];
  /** What weights were quantized to while they were read. */
  readonly quantize?: string;
}

/** Numbers read at once: 4 MiB of float32. */
const PIECE = 1 << 20;

/** The rows of a point in pieces that fit into little memory: [first row, rows in the piece]. */
export function* pieces(rows: number, cols: number): Generator<readonly [from: number, count: number]> {
  const step = Math.max(1, Math.floor(PIECE / Math.max(1, cols)));
  for (let from = 0; from < rows; from += step) yield [from, Math.min(step, rows - from)];
}
