// Runs a model and keeps what it shows, as a recorded run in memory.
import { advance, type Model, restart, type Sequence } from "../../src/engine/sequence.ts";
import { lmHead } from "../../src/model/model.ts";
import { kindOf } from "../../src/oracle/recorded/point-names.ts";
import type { AboutRun, RecordedPoint, RecordedRun } from "../../src/oracle/recorded/recorded-run.ts";
import { observed } from "../../src/oracle/trace/observed.ts";

export interface RunOptions {
  readonly step?: number;
  readonly about?: Partial<AboutRun>;
  readonly name?: string;
  readonly select?: (name: string) => boolean;
}

export function recordRun(
  model: Model,
  sequence: Sequence,
  ids: Int32Array,
  { step = ids.length, about, name = "memory", select = () => true }: RunOptions = {},
): RecordedRun {
  const parts = new Map<string, { cols: number; data: number[] }>();
  const keep = (path: string, cols: number, data: ArrayLike<number>): void => {
    if (!select(path)) return;
    const part = parts.get(path) ?? { cols, data: [] };
    parts.set(path, part);
    for (let i = 0; i < data.length; i++) part.data.push(data[i]);
  };
  const { memory, weights } = model;
  let rows = 0;
  const { ops, settle } = observed(model.ops, {
    result(path, result) {
      if ("k" in result) keep(path, result.k, memory.readIds(result));
      else keep(path, (result.rows * result.cols) / rows, memory.read(result));
    },
    bias(path) {
      if (parts.has(path)) return;
      for (const { feedForward } of weights.layers) {
        const bias = feedForward.type === "sparse" ? feedForward.expertBias : undefined;
        if (bias?.path === path) keep(path, bias.cols, memory.readVector(bias));
      }
    },
  });
  restart(model, sequence);
  for (let at = 0; at < ids.length; at += step) {
    const piece = ids.subarray(at, at + step);
    rows = piece.length;
    const h = advance({ ...model, ops }, [{ sequence, ids: piece }], { settle });
    for (let row = 0; row < h.rows; row += 8) {
      rows = Math.min(8, h.rows - row);
      lmHead(ops, weights, ops.rows(h, row, rows));
      settle();
    }
  }
  const points = [...parts].map(([path, { cols, data }]) => [path, pointOfNumbers(path, data, cols)] as const);
  return memoryRun(name, points, {
    ids: [...ids],
    isOrdered: true,
    about: about && { config: {}, model: undefined, backend: undefined, mode: undefined, kvType: undefined, ...about },
  });
}

export function pointOfNumbers(name: string, data: ArrayLike<number>, cols: number): RecordedPoint {
  const kind = kindOf(name);
  const numbers = kind === "ids" ? Int32Array.from(data) : Float32Array.from(data);
  return {
    name,
    kind,
    rows: numbers.length / cols,
    cols,
    read: async (from, count) => numbers.slice(from * cols, (from + count) * cols),
  };
}

export function memoryRun(
  name: string,
  points: Iterable<readonly [string, RecordedPoint]>,
  more: Partial<RecordedRun> = {},
): RecordedRun {
  const rest = { isOrdered: false, ids: undefined, start: 0, about: undefined, close: async () => {} };
  return { name, points: new Map(points), ...rest, ...more };
}

/** The points between modules alone, as a runtime records that has no names for what is inside them. */
export function isOuter(name: string): boolean {
  const inner = /\.(in_proj|conv\.conv|input|[qkv]_proj|[qk]_layernorm|[qk]_rope|w[123]|expert_bias|scores)$/;
  return !inner.test(name);
}
