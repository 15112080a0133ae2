// A run held against a golden's tensors, point by point, each within its own tolerance.
import { Lfm2Error } from "../../lfm2-error.ts";
import type { Folder } from "../../sources/source.ts";
import { createGapMeter, type Gap, type GapMeter, type Tolerance } from "../compare/gap.ts";
import { nearNames, parseGlob, selectNames } from "../glob.ts";
import { inExpertOrder } from "../recorded/expert-order.ts";
import { layOut } from "../recorded/line-up.ts";
import { type NamePatterns, readyMaps } from "../recorded/name-map.ts";
import { openArrays } from "../recorded/open-arrays.ts";
import { pieces, type RecordedPoint, type RecordedRun } from "../recorded/recorded-run.ts";
import type { TracePiece } from "../trace/trace-pieces.ts";
import type { TraceChoice } from "../trace/trace-plan.ts";
import {
  type GoldenCase,
  type GoldenManifest,
  type GoldenTolerance,
  largestOf,
  toleranceAt,
} from "./golden-manifest.ts";

/** One point of one case. */
export interface PointCheck {
  readonly case: string;
  readonly name: string;
  /** Expected [rows, cols]. */
  readonly shape: readonly [number, number];
  readonly rule: GoldenTolerance;
  /** The rule for this tensor. */
  readonly tolerance: Tolerance;
  readonly passed: boolean;
  /** Undefined where there was nothing, or another shape, to compare. */
  readonly gap?: Gap;
  /** Why there is no gap: "nothing", or the shape that was found. */
  readonly found?: string;
}

/** A golden cannot be checked as it was asked for. */
export class GoldenError extends Lfm2Error {
  override readonly name = "GoldenError";
}

/** The expected tensors of a case, under the graph's own names. @throws FormatError, GoldenError */
export async function openCase(
  folder: Folder,
  { names }: GoldenManifest,
  { file }: GoldenCase,
  signal?: AbortSignal,
): Promise<RecordedRun> {
  const patterns: NamePatterns | undefined =
    names === undefined ? {} : Object.hasOwn(readyMaps, names) ? readyMaps[names] : undefined;
  if (patterns === undefined) {
    const known = Object.keys(readyMaps).join(", ");
    throw new GoldenError({
      subject: `${folder.name}, names`,
      expected: `one of ${known}`,
      found: JSON.stringify(names),
    });
  }
  const source = await folder.open(file, signal);
  if (source === undefined) {
    throw new GoldenError({
      subject: folder.name,
      expected: `${JSON.stringify(file)}, which golden.json names`,
      found: "no such file",
    });
  }
  const run = await openArrays(source, patterns, signal).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const points = new Map([...run.points].filter(([name]) => name !== "input_ids"));
  return inExpertOrder({ ...run, points });
}

/** Takes a run piece by piece, in any order of points. */
export interface GoldenChecker {
  /** Names of the points that are checked, in order. */
  readonly names: readonly string[];
  /** All of the golden's, also those that are not checked. */
  readonly points: ReadonlyMap<string, RecordedPoint>;
  /** Rows of a point from `row` on, counted from the golden's first; those of one point in order. */
  add(name: string, row: number, data: Float32Array | Int32Array): Promise<void>;
  /** Another shape than the golden's. */
  misshapen(name: string, shape: readonly number[]): void;
  result(): PointCheck[];
}

/** @throws GoldenError when a point has no tolerance; GlobError when a glob matches nothing */
export async function createChecker(
  expected: RecordedRun,
  { name: caseName }: GoldenCase,
  tolerances: readonly GoldenTolerance[],
  globs: readonly string[] = ["**"],
): Promise<GoldenChecker> {
  const names = [...selectNames([...expected.points.keys()], globs)];
  const rules = tolerances.map((rule) => ({ rule, pattern: parseGlob(rule.points) }));
  const checks = new Map<string, Check>();
  for (const name of names) {
    const rule = rules.find(({ pattern }) => pattern.test(name))?.rule;
    if (rule === undefined) {
      throw new GoldenError({
        subject: `${caseName}, ${name}`,
        expected: "a tolerance",
        found: "none",
        remedy: 'Add one for "**" to golden.json.',
      });
    }
    const point = expected.points.get(name) as RecordedPoint;
    const tolerance = await toleranceOf(rule, point);
    checks.set(name, { point, rule, tolerance, meter: createGapMeter(tolerance), rows: 0 });
  }
  return {
    names,
    points: expected.points,
    async add(name, row, data) {
      const check = checks.get(name);
      if (check === undefined || check.rows !== row) return;
      const count = data.length / check.point.cols;
      check.meter.add(data, await check.point.read(row, count));
      check.rows += count;
    },
    misshapen(name, shape) {
      const check = checks.get(name);
      if (check !== undefined) check.found = `[${shape.join(", ")}]`;
    },
    result: () =>
      [...checks].map(([name, { point, rule, tolerance, meter, rows, found }]): PointCheck => {
        const shape = [point.rows, point.cols] as const;
        const whole = { case: caseName, name, shape, rule, tolerance };
        if (rows !== point.rows) return { ...whole, passed: false, found: found ?? "nothing" };
        const gap = meter.result();
        return { ...whole, passed: gap.mismatched === 0, gap };
      }),
  };
}

interface Check {
  readonly point: RecordedPoint;
  readonly rule: GoldenTolerance;
  readonly tolerance: Tolerance;
  readonly meter: GapMeter;
  rows: number;
  found?: string;
}

async function toleranceOf(rule: GoldenTolerance, point: RecordedPoint): Promise<Tolerance> {
  let largest = 1;
  for (const [from, count] of rule.ofLargest ? pieces(point.rows, point.cols) : []) {
    largest = largestOf(await point.read(from, count), largest);
  }
  return toleranceAt(rule, largest);
}

/** A model, as far as checks need one. */
export interface CheckedModel {
  trace(ids: readonly number[], options: TraceChoice & { readonly signal?: AbortSignal }): AsyncIterable<TracePiece>;
}

/** Runs the case's ids. @throws what `trace` throws: a GlobError where the model has not all of the golden's points */
export async function checkModel(
  model: CheckedModel,
  { ids, positions }: GoldenCase,
  checker: GoldenChecker,
  signal?: AbortSignal,
): Promise<PointCheck[]> {
  for await (const { name, position, rows, data } of model.trace(ids, { points: checker.names, positions, signal })) {
    const cols = data.length / rows;
    if (cols === checker.points.get(name)?.cols) await checker.add(name, position - positions.from, data);
    else checker.misshapen(name, [positions.to - positions.from, cols]);
  }
  return checker.result();
}

/** What came of a run that somebody recorded. */
export interface RunCheck {
  readonly checks: readonly PointCheck[];
  /** The golden's points that the run has not, and the run's that the golden has not. */
  readonly missing: readonly string[];
  readonly unknown: readonly string[];
  /** How the run was laid out otherwise. */
  readonly notes: readonly string[];
}

/**
 * A run that somebody recorded, of the same ids, at the points that both have.
 * @param isWhole  points that the run has not are failures
 * @throws GoldenError when the run is of other ids, or has none of the points
 */
export async function checkRun(
  run: RecordedRun,
  { ids, positions }: GoldenCase,
  checker: GoldenChecker,
  isWhole = false,
): Promise<RunCheck> {
  if (run.ids !== undefined && !sameIds(run.ids, ids)) {
    throw new GoldenError({
      subject: run.name,
      expected: `the golden's ${ids.length} ids`,
      found: "others",
      remedy: "Run the golden's ids.",
    });
  }
  const relaid = layOut({ points: checker.points }, run);
  const foreign = inExpertOrder(relaid);
  const known = checker.names.filter((name) => foreign.points.has(name));
  if (known.length === 0) {
    const [first] = foreign.points.keys();
    throw new GoldenError({
      subject: run.name,
      expected: "at least one of the golden's points",
      found: "none",
      remedy:
        first === undefined ? "" : `Near ${JSON.stringify(first)}: ${nearNames(checker.names, first).join(", ")}.`,
    });
  }
  for (const name of known) {
    const point = foreign.points.get(name) as RecordedPoint;
    const expected = checker.points.get(name) as RecordedPoint;
    // A trace says which positions it holds. Others have all of the ids', or the golden's; a bias is no position's.
    const isSame = run.about === undefined && point.rows === expected.rows;
    const skipped = isSame || name.endsWith(".expert_bias") ? 0 : positions.from - run.start;
    const isCounted = isSame || run.about !== undefined || point.rows === ids.length;
    const holds = isCounted && skipped >= 0 && skipped + expected.rows <= point.rows;
    if (!holds || point.cols !== expected.cols) {
      checker.misshapen(name, [point.rows, point.cols]);
      continue;
    }
    for (const [from, count] of pieces(expected.rows, point.cols)) {
      await checker.add(name, from, await point.read(skipped + from, count));
    }
  }
  const checks = checker.result();
  const missing = checker.names.filter((name) => !foreign.points.has(name));
  return {
    checks: isWhole ? checks : checks.filter(({ name }) => !missing.includes(name)),
    missing,
    unknown: [...foreign.points.keys()].filter((name) => !checker.points.has(name)),
    notes: relaid.notes ?? [],
  };
}

/** The case of a recorded run: the only one, or the one with its ids. @throws GoldenError */
export function caseOf(run: Pick<RecordedRun, "ids" | "name">, cases: readonly GoldenCase[]): GoldenCase {
  const { ids } = run;
  const found = ids === undefined ? cases : cases.filter((known) => sameIds(known.ids, ids));
  if (found.length === 1) return found[0];
  const what = ids === undefined ? "ids in the run, or --case" : "a run of the ids of one case";
  throw new GoldenError({
    subject: run.name,
    expected: what,
    found: `${found.length} that fit`,
    remedy: `Cases: ${cases.map(({ name }) => name).join(", ")}.`,
  });
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}
