// The model's thread's part of a trace: runs the ids, and packs what was asked for step by step.
import { type Engine, inSteps, type Pace } from "../../engine/engine.ts";
import { type Model, restart } from "../../engine/sequence.ts";
import { lmHead } from "../../model/model.ts";
import type { Memory } from "../../ops/backend.ts";
import type { ExpertIds, Tensor } from "../../ops/ops.ts";
import { observed } from "./observed.ts";
import { isBias, type TracePlan, type TracePoint } from "./trace-plan.ts";

/** The most bytes of one step, unless one position has more. */
export const STEP_BYTES = 1 << 25;

/**
 * What one step has shown: [rows, cols] of every point of the plan, one after another, in the plan's order. With no rows
 * it holds the biases instead, which are no position's.
 */
export interface TraceStep {
  readonly position: number;
  readonly rows: number;
  readonly numbers: ArrayBuffer;
}

/** Runs `ids` from nothing. @param onStep  called with steps in the order of positions, the biases first */
export async function recordTrace(
  engine: Engine,
  ids: readonly number[],
  plan: TracePlan,
  pace: Pace,
  onStep: (step: TraceStep, done: number) => void,
): Promise<void> {
  const { from, to } = plan.positions;
  const { model, sequence } = engine;
  restart(model, sequence);
  const biases = readBiases(model, plan.points.filter(isBias));
  if (biases !== undefined) onStep({ position: from, rows: 0, numbers: biases }, 0);
  await inSteps(engine, ids.slice(0, from), engine.maxStep, pace, () => {});

  const points = plan.points.filter((point) => !isBias(point));
  const packer = createPacker(points, model.memory);
  const { ops, settle } = observed(model.ops, packer);
  const hasLogits = points.some(({ kind }) => kind === "logits");
  const rowBytes = points.reduce((sum, { shape }) => sum + shape[1] * 4, 0);
  const most = hasLogits ? engine.maxLogitRows : engine.maxStep;
  const limit = Math.max(1, Math.min(most, Math.floor(STEP_BYTES / Math.max(1, rowBytes))));
  const tell = (h: Tensor, done: number): void => {
    if (hasLogits) lmHead(ops, model.weights, h);
    settle();
    onStep({ position: from + done - h.rows, rows: h.rows, numbers: packer.take(h.rows) }, from + done);
  };
  await inSteps(engine, ids.slice(from, to), limit, pace, tell, { model: { ...model, ops }, settle });
}

/** Observes one step after another; `take` gives what it has seen, and begins the next. */
function createPacker(points: readonly TracePoint[], memory: Memory) {
  const before = new Map<string, { readonly cols: number; readonly offset: number }>();
  let rowNumbers = 0;
  for (const { name, shape } of points) {
    before.set(name, { cols: shape[1], offset: rowNumbers });
    rowNumbers += shape[1];
  }
  let numbers: ArrayBuffer | undefined;
  const place = (name: string, read: () => Float32Array | Int32Array): void => {
    const point = before.get(name);
    if (point === undefined) return;
    const data = read();
    const rows = data.length / point.cols;
    numbers ??= new ArrayBuffer(rows * rowNumbers * 4);
    // The bits, whatever they mean.
    new Int32Array(numbers, rows * point.offset * 4).set(new Int32Array(data.buffer, data.byteOffset, data.length));
  };
  return {
    result: (name: string, result: Tensor | ExpertIds): void =>
      place(name, () => ("k" in result ? memory.readIds(result) : memory.read(result))),
    choice: (name: string, ranked: Tensor, k: number): void =>
      place(name, () => margins(memory.read(ranked), ranked.cols, k)),
    take(rows: number): ArrayBuffer {
      const taken = numbers ?? new ArrayBuffer(rows * rowNumbers * 4);
      numbers = undefined;
      return taken;
    },
  };
}

/** Of every row, the k-th largest number less the next. */
export function margins(ranked: Float32Array, cols: number, k: number): Float32Array {
  return Float32Array.from({ length: ranked.length / cols }, (_, t) => {
    const sorted = ranked.slice(t * cols, (t + 1) * cols).sort();
    return sorted[cols - k] - sorted[cols - k - 1];
  });
}

function readBiases({ memory, weights }: Model, points: readonly TracePoint[]): ArrayBuffer | undefined {
  if (points.length === 0) return undefined;
  const wanted = new Set(points.map(({ name }) => name));
  const rows = weights.layers.flatMap(({ feedForward: ff }) => {
    const bias = ff.type === "sparse" ? ff.expertBias : undefined;
    return bias !== undefined && wanted.has(bias.path) ? [memory.readVector(bias)] : [];
  });
  const all = new Float32Array(rows.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all.buffer;
}
