// A guess is made by computing an operation again from its recorded inputs, as specified and with one mistake in it.
import { blockFormats } from "../../blocks/formats.ts";
import type { Config } from "../../model/config.ts";
import type { ReferenceTensor, ReferenceWeight } from "../../reference/tensor.ts";
import { measureGap } from "../compare/gap.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import type { ModelWeights } from "./model-weights.ts";

/** What one side says of its run: its own numbers, and whatever is known of the model. */
export interface Side {
  readonly label: "A" | "B";
  readonly run: RecordedRun;
  readonly config: Config | undefined;
  readonly weights: ModelWeights | undefined;
}

/** Results by the point they should be found at. */
export type Results = ReadonlyMap<string, ReferenceTensor>;

export interface Hypothesis {
  /** A short name that a program can look for: "rope-interleaved". */
  readonly cause: string;
  /** For people, after "with": "pairs of neighbours rotated instead of halves". */
  readonly says: string;
  readonly kind: "bug" | "precision";
  compute(): Results;
}

/** One operation of the graph, on one side. */
export interface Site {
  /** Points it was recomputed from. */
  readonly inputs: readonly string[];
  /** First row of the results. */
  readonly from: number;
  /** Undefined where it cannot be computed as specified without weights. */
  readonly specified: (() => Results) | undefined;
  readonly hypotheses: readonly Hypothesis[];
}

export interface Fit {
  /** The last point that the results were compared at. */
  readonly point: string;
  readonly maxAbs: number;
  readonly rmsRelative: number;
}

/** How far results lie from what the run recorded: the worst of its points, told at the last; undefined where it has none. */
export async function fitOf(run: RecordedRun, results: Results, from: number): Promise<Fit | undefined> {
  let found: Fit | undefined;
  for (const [name, { rows, cols, data }] of results) {
    const recorded = await readRows(run, name, from, rows);
    if (recorded === undefined || recorded.cols !== cols || recorded.rows !== rows) continue;
    const { maxAbs, rmsRelative } = measureGap(data, recorded.data);
    const worst = Math.max(rmsRelative, found?.rmsRelative ?? 0);
    found = { point: name, maxAbs, rmsRelative: worst };
  }
  return found;
}

/** Recorded rows as a tensor; undefined where the run has no such point, or not so many rows. */
export async function readRows(
  { points }: RecordedRun,
  name: string,
  from: number,
  count: number,
): Promise<ReferenceTensor | undefined> {
  const point = points.get(name);
  if (point === undefined || point.kind === "ids" || from + count > point.rows) return undefined;
  return tensorOf(count, point.cols, (await point.read(from, count)) as Float32Array);
}

export function tensorOf(rows: number, cols: number, data: Float32Array): ReferenceTensor {
  return { rows, cols, data, offset: 0, stride: cols };
}

/** Numbers as a weight [rows, cols] for the reference's operations. */
export function weightOf(rows: number, cols: number, data: Float32Array): ReferenceWeight {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { path: "", rows, cols, experts: 1, format: blockFormats.F32, bytes };
}

/** The same numbers, row after row without gaps. */
export function dense({ rows, cols, data, offset, stride }: ReferenceTensor): ReferenceTensor {
  const copy = new Float32Array(rows * cols);
  for (let t = 0; t < rows; t++) copy.set(data.subarray(offset + t * stride, offset + t * stride + cols), t * cols);
  return tensorOf(rows, cols, copy);
}

/** Rows from … from + count − 1 alone. */
export function rowsOf(x: ReferenceTensor, from: number, count: number): ReferenceTensor {
  return dense({ ...x, rows: count, offset: x.offset + from * x.stride });
}
