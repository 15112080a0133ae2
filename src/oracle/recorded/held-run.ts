// A run whose numbers are in memory, as pieces of a trace that came in, and can be sent to another thread.
import type { TracePiece } from "../trace/trace-pieces.ts";
import { isBias, type TracePlan } from "../trace/trace-plan.ts";
import type { PointKind } from "./point-names.ts";
import type { AboutRun, RecordedPoint, RecordedRun } from "./recorded-run.ts";

/** Can be structured-cloned. */
export interface HeldRun {
  readonly name: string;
  readonly ids: readonly number[];
  readonly about: AboutRun;
  /** In the order of execution. */
  readonly points: readonly HeldPoint[];
}

export interface HeldPoint {
  readonly name: string;
  readonly kind: PointKind;
  readonly rows: number;
  readonly cols: number;
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/** Every point of a plan, once all pieces have come. */
export async function holdPieces(
  { points, positions }: TracePlan,
  pieces: AsyncIterable<TracePiece>,
): Promise<HeldPoint[]> {
  const held = points.map((point): HeldPoint => {
    const [rows, cols] = point.shape;
    const Numbers = point.dtype === "I32" ? Int32Array : Float32Array;
    return { name: point.name, kind: point.kind, rows, cols, data: new Numbers(rows * cols) };
  });
  const byName = new Map(held.map((point) => [point.name, point]));
  for await (const { name, position, data } of pieces) {
    const point = byName.get(name);
    point?.data.set(data, isBias(point) ? 0 : (position - positions.from) * point.cols);
  }
  return held;
}

export function heldRun({ name, ids, about, points }: HeldRun): RecordedRun {
  const read = (point: HeldPoint): RecordedPoint => ({
    name: point.name,
    kind: point.kind,
    rows: point.rows,
    cols: point.cols,
    read: async (from, count) => point.data.slice(from * point.cols, (from + count) * point.cols),
  });
  return {
    name,
    points: new Map(points.map((point) => [point.name, read(point)])),
    isOrdered: true,
    ids,
    start: 0,
    about,
    close: async () => {},
  };
}
