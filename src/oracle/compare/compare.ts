// Two recorded runs, point by point in the order of execution: how far apart, and where they part.

import type { JsonObject } from "../../formats/json.ts";
import { Lfm2Error } from "../../lfm2-error.ts";
import { inExecutionOrder, type PointKind } from "../recorded/point-names.ts";
import { pieces, type RecordedPoint, type RecordedRun } from "../recorded/recorded-run.ts";
import { type Allowance, createAllowanceMeter } from "./allowance.ts";
import { createGapMeter, type Gap } from "./gap.ts";
import { createLogitsMeter, type LogitsGap } from "./logits-gap.ts";
import { createRouterMeter, type RouterGap } from "./router-gap.ts";
import {
  type Precision,
  type RunTolerance,
  toleranceOf,
  toleranceOfNumber,
  toleranceOfPrecision,
} from "./tolerance.ts";

export interface PointComparison {
  readonly name: string;
  readonly kind: PointKind;
  readonly shapeA: readonly [rows: number, cols: number];
  readonly shapeB: readonly [rows: number, cols: number];
  readonly within: boolean;
  /** B against A; of ids, undefined. Undefined where the shapes differ. */
  readonly gap?: Gap;
  /** The most that any number may be off by; `allowance` says what each may. */
  readonly tolerance: number;
  /** Undefined where `gap` is. */
  readonly allowance?: Allowance;
  /** The first row outside tolerance; −1 where there is none. */
  readonly firstRow: number;
  /** Rows outside tolerance. */
  readonly rowsOutside: number;
  readonly logits?: LogitsGap;
  readonly router?: RouterGap;
}

export interface Comparison {
  readonly a: RecordedRun;
  readonly b: RecordedRun;
  readonly tolerance: RunTolerance;
  /** In the order of execution; those that both runs have. */
  readonly points: readonly PointComparison[];
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
  /** The input ids differ, from this index on; −1 where they are equal or not known. */
  readonly idsDifferAt: number;
  /** The first point outside its tolerance. */
  readonly first: PointComparison | undefined;
  readonly equal: boolean;
}

export interface CompareOptions {
  /** Instead of the one that the runs' own words lead to: a factor, or all that another comparison allows. */
  readonly tolerance?: number | RunTolerance;
  /** What the runs compute in, where that is not what they say; `tolerance` stands above it. */
  readonly precision?: Precision;
  /** Which points are compared. */
  readonly select?: (name: string) => boolean;
  /** Of each router, by the path of its layer's feed-forward: what is added to the scores to rank them. */
  readonly bias?: (feedForward: string) => Promise<Float32Array | undefined>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

const OF_EXPERTS = /^(.*)\.(gate\.weights|experts\.w[123])$/;

/** Nothing can be said of two runs. */
export class CompareError extends Lfm2Error {
  override readonly name = "CompareError";
}

/** @throws CompareError when the runs have no point in common */
export async function compareRuns(a: RecordedRun, b: RecordedRun, options: CompareOptions = {}): Promise<Comparison> {
  const { signal } = options;
  const tolerance = statedTolerance(a, b, options);
  const both = selected(commonPoints(a, b), options.select);
  if (both.length === 0) {
    const [first] = [...b.points.keys()];
    throw new CompareError({
      subject: b.name,
      expected: `at least one point of ${a.name}`,
      found: `none${first === undefined ? "" : `; its first is ${JSON.stringify(first.slice(0, 100))}`}`,
      remedy: "Name a map with --map, or other --points.",
    });
  }
  const points: PointComparison[] = [];
  for (const [i, name] of both.entries()) {
    signal?.throwIfAborted();
    points.push(await comparePoint(a, b, name, tolerance, options));
    options.onProgress?.(i + 1, both.length);
  }
  const idsDifferAt = firstDifference(a.ids, b.ids);
  const first = points.find(({ within }) => !within);
  return {
    a,
    b,
    tolerance,
    points,
    onlyA: [...a.points.keys()].filter((name) => !b.points.has(name)),
    onlyB: [...b.points.keys()].filter((name) => !a.points.has(name)),
    idsDifferAt,
    first,
    equal: first === undefined && idsDifferAt < 0,
  };
}

function statedTolerance(a: RecordedRun, b: RecordedRun, { tolerance, precision }: CompareOptions): RunTolerance {
  if (typeof tolerance === "number") return toleranceOfNumber(tolerance);
  if (tolerance !== undefined) return tolerance;
  return precision === undefined ? toleranceOf(a, b) : toleranceOfPrecision(precision);
}

/** What belongs to experts means nothing without their ids, so these are compared with it. */
function selected(names: readonly string[], select: CompareOptions["select"] = () => true): string[] {
  const chosen = new Set(names.filter(select));
  for (const name of [...chosen]) chosen.add(name.replace(OF_EXPERTS, "$1.gate.experts"));
  return names.filter((name) => chosen.has(name));
}

/** In the order of whichever run keeps one. */
function commonPoints(a: RecordedRun, b: RecordedRun): string[] {
  const isCommon = (name: string): boolean => a.points.has(name) && b.points.has(name);
  if (a.isOrdered) return [...a.points.keys()].filter(isCommon);
  if (b.isOrdered) return [...b.points.keys()].filter(isCommon);
  return inExecutionOrder([...a.points.keys()].filter(isCommon));
}

function firstDifference(a: readonly number[] | undefined, b: readonly number[] | undefined): number {
  if (a === undefined || b === undefined) return -1;
  const at = a.findIndex((id, i) => id !== b[i]);
  return at < 0 && a.length < b.length ? a.length : at;
}

async function comparePoint(
  a: RecordedRun,
  b: RecordedRun,
  name: string,
  runTolerance: RunTolerance,
  options: CompareOptions,
): Promise<PointComparison> {
  const { factor } = runTolerance;
  const { signal } = options;
  const [x, y] = [a.points.get(name) as RecordedPoint, b.points.get(name) as RecordedPoint];
  const { kind } = x;
  const shapes = { shapeA: [x.rows, x.cols], shapeB: [y.rows, y.cols] } as const;
  const isRouter = kind === "ids" && x.rows === y.rows;
  if (!isRouter && (x.rows !== y.rows || x.cols !== y.cols)) {
    return {
      name,
      kind,
      ...shapes,
      within: false,
      tolerance: factor,
      firstRow: 0,
      rowsOutside: Math.max(x.rows, y.rows),
    };
  }
  if (isRouter) {
    const router = await compareRouter(a, b, name, runTolerance, options);
    // More or fewer experts to a position are others, though the same ones may be among them twice.
    const isSameCount = x.cols === y.cols;
    return {
      name,
      kind,
      ...shapes,
      within: router.flips === 0 && isSameCount,
      tolerance: 0,
      firstRow: isSameCount ? (router.examples[0]?.position ?? -1) : 0,
      rowsOutside: isSameCount ? router.flippedPositions : x.rows,
      router,
    };
  }
  const meter = createGapMeter();
  const logitsMeter = kind === "logits" ? createLogitsMeter(x.rows, x.cols) : undefined;
  const allowances = createAllowanceMeter(runTolerance, x.rows);
  /** Of every row, the largest error that is too large a part of its number. */
  const rowGaps = new Float64Array(x.rows);
  const align = byExpert(a, b, name);
  for (const [from, count] of pieces(x.rows, x.cols)) {
    signal?.throwIfAborted();
    let [p, q] = await Promise.all([x.read(from, count), y.read(from, count)]);
    if (align !== undefined) [p, q] = await align(from, count, p, q);
    meter.add(q, p);
    logitsMeter?.add(p as Float32Array, q as Float32Array);
    for (let at = 0; at < p.length; at += x.cols) allowances.add((p as Float32Array).subarray(at, at + x.cols));
    for (let i = 0; i < p.length; i++) {
      const row = from + Math.floor(i / x.cols);
      const error = p[i] === q[i] ? 0 : Math.abs(p[i] - q[i]);
      if (Number.isFinite(error) && error <= allowances.ofNumber * Math.abs(p[i])) continue;
      // A NaN is a gap, whatever stands on the other side.
      if (!(error <= rowGaps[row])) rowGaps[row] = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    }
  }
  const gap = meter.result();
  const allowance = allowances.result(gap.largest);
  const isOutside = (error: number, row: number): boolean => error > allowance.rows[row];
  const firstRow = rowGaps.findIndex(isOutside);
  const rowsOutside = rowGaps.reduce((count, error, row) => count + Number(isOutside(error, row)), 0);
  const tolerance = allowance.rows.reduce((a, b) => Math.max(a, b), allowance.ofNumber * gap.largest);
  const logits = logitsMeter?.result();
  return { name, kind, ...shapes, within: firstRow < 0, gap, tolerance, allowance, firstRow, rowsOutside, logits };
}

/**
 * Brings what belongs to a token's experts into their order, for runs list them as they like: weights, and what each
 * expert's w1, w3 and w2 give. Nothing is compared of an expert that the other run did not choose; of normalized weights
 * nothing at all then, for each depends on all.
 */
function byExpert(a: RecordedRun, b: RecordedRun, name: string) {
  const [, feedForward, part] = OF_EXPERTS.exec(name) ?? [];
  const path = `${feedForward}.gate.experts`;
  const [idsA, idsB] = [a.points.get(path), b.points.get(path)];
  if (feedForward === undefined || idsA === undefined || idsB === undefined || idsA.cols !== idsB.cols)
    return undefined;
  const k = idsA.cols;
  return async (from: number, count: number, p: ArrayLike<number>, q: ArrayLike<number>) => {
    const [x, y] = [Float32Array.from(p), Float32Array.from(q)];
    const width = p.length / count / k;
    if (!Number.isInteger(width) || Math.min(idsA.rows, idsB.rows) < from + count) return [x, y] as const;
    const [ea, eb] = await Promise.all([idsA.read(from, count), idsB.read(from, count)]);
    for (let row = 0; row < count; row++) {
      const [chosenA, chosenB] = [ea, eb].map((ids) => ids.subarray(row * k, (row + 1) * k));
      const isSame = chosenA.every((id) => chosenB.includes(id));
      for (const [j, at] of ascending(chosenA).entries()) {
        const other = chosenB.indexOf(chosenA[at]);
        const isCompared = other >= 0 && (isSame || part !== "gate.weights");
        for (let c = 0; c < width; c++) {
          const to = (row * k + j) * width + c;
          x[to] = p[(row * k + at) * width + c];
          y[to] = isCompared ? q[(row * k + other) * width + c] : x[to];
        }
      }
    }
    return [x, y] as const;
  };
}

/** Indices that bring `ids` into ascending order. */
export function ascending(ids: ArrayLike<number>): number[] {
  return Array.from({ length: ids.length }, (_, i) => i).sort((i, j) => ids[i] - ids[j]);
}

async function compareRouter(
  a: RecordedRun,
  b: RecordedRun,
  name: string,
  runTolerance: RunTolerance,
  { bias: biasOf }: CompareOptions,
): Promise<RouterGap> {
  const [x, y] = [a.points.get(name) as RecordedPoint, b.points.get(name) as RecordedPoint];
  const path = name.replace(/experts$/, "logits");
  const [logitsA, logitsB] = [a.points.get(path), b.points.get(path)];
  const hasLogits = logitsA?.rows === x.rows && logitsB?.rows === x.rows && logitsA.cols === logitsB.cols;
  const feedForward = name.replace(/\.gate\.experts$/, "");
  const bias = (await tracedBias(a, feedForward)) ?? (await biasOf?.(feedForward)) ?? unbiased(a, b);
  const experts = hasLogits ? logitsA.cols : 1 + (await highestId([x, y]));
  const allowances = createAllowanceMeter(runTolerance, x.rows);
  let largest = 0;
  for (const [from, count] of hasLogits ? pieces(x.rows, experts) : []) {
    const logits = (await logitsA?.read(from, count)) as Float32Array;
    for (let at = 0; at < logits.length; at += experts) allowances.add(logits.subarray(at, at + experts));
    largest = logits.reduce(
      (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
      largest,
    );
  }
  const allowed = allowances.result(largest).rows;
  const meter = createRouterMeter(experts, bias, allowed, runTolerance.ofResult);
  for (const [from, count] of pieces(x.rows, Math.max(experts, x.cols))) {
    const [ids, other] = (await Promise.all([x.read(from, count), y.read(from, count)])) as [Int32Array, Int32Array];
    const logits = hasLogits ? await Promise.all([logitsA.read(from, count), logitsB.read(from, count)]) : undefined;
    meter.add({ a: ids, b: other, kA: x.cols, kB: y.cols, logits: logits as [Float32Array, Float32Array] | undefined });
  }
  return meter.result();
}

/** A trace holds the bias as a point of its own. */
export async function tracedBias(run: RecordedRun, feedForward: string): Promise<Float32Array | undefined> {
  const point = run.points.get(`${feedForward}.expert_bias`);
  return point?.rows === 1 ? ((await point.read(0, 1)) as Float32Array) : undefined;
}

function unbiased(a: RecordedRun, b: RecordedRun): Float32Array | undefined {
  const config: JsonObject = a.about?.config ?? b.about?.config ?? {};
  return config.use_expert_bias === false ? new Float32Array() : undefined;
}

/** The most experts that a picture or a table has room for; no checkpoint of the family comes near it. */
const MAX_EXPERTS = 4096;

async function highestId(points: readonly RecordedPoint[]): Promise<number> {
  let most = 0;
  for (const point of points) {
    for (const [from, count] of pieces(point.rows, point.cols)) {
      for (const id of await point.read(from, count)) most = Math.max(most, id);
    }
  }
  if (most < MAX_EXPERTS) return most;
  throw new CompareError({
    subject: points[0].name,
    expected: `experts below ${MAX_EXPERTS}`,
    found: most,
    remedy: "Record expert ids.",
  });
}
