// One module of a run beside what is specified for it: computed again from what the run itself recorded before it.
import { type Comparison, compareRuns, type PointComparison } from "../compare/compare.ts";
import type { Mistake, Part } from "../mistakes/mistake.ts";
import type { RecordedPoint, RecordedRun } from "../recorded/recorded-run.ts";
import type { Results } from "./fit.ts";
import { isKnown } from "./lazy-ops.ts";
import { numbersOf } from "./model-weights.ts";
import { isNearTie } from "./near-ties.ts";
import { openSite, placeOf, type Side } from "./site.ts";

export interface Module {
  readonly path: string;
  readonly part: Part | undefined;
  readonly points: readonly PointComparison[];
}

export function modulesOf({ points }: Comparison, { config }: Side): Module[] {
  const modules = new Map<string, Module & { points: PointComparison[] }>();
  for (const point of points) {
    const place = placeOf(point.name, config);
    if (place === undefined) continue;
    const module = modules.get(place.module) ?? { path: place.module, part: place.part, points: [] };
    modules.set(place.module, module);
    module.points.push(point);
  }
  return [...modules.values()];
}

export interface Difference {
  /** What is specified, and what was recorded. */
  readonly comparison: Comparison;
  /** Where they part; undefined where they do not, but for near ties. */
  readonly first: PointComparison | undefined;
}

/** @returns undefined where nothing is known to compute the module from */
export async function differenceOf(
  { tolerance }: Comparison,
  side: Side,
  { points }: Module,
  mistake: Mistake | undefined,
): Promise<Difference | undefined> {
  const site = await openSite({ ...points[0], firstRow: 0 }, side, side, "input");
  const results = site?.results(mistake) ?? new Map();
  const names = points.map(({ name }) => name).filter((name) => results.has(name) && isKnown(results.get(name)));
  if (site === undefined || names.length === 0) return undefined;
  const given = [...site.inputs].flatMap((input) => (input.startsWith("its ") ? input.slice(4) : []));
  const own = upTo(side.run, site.from + results.get(names[0]).rows);
  const comparison = await compareRuns(asComputed(own, results, site.from), own, {
    tolerance,
    select: (name) => names.includes(name) || given.includes(name),
    bias: async (path) => {
      const bias = (await side.weights(site.place)).get(`${path}.expert_bias`);
      return bias && numbersOf(bias);
    },
  });
  return { comparison, first: comparison.points.find((point) => !point.within && !isNearTie(point)) };
}

/** The first rows alone. */
function upTo(run: RecordedRun, end: number): RecordedRun {
  const points = [...run.points].map(([name, point]) => [name, { ...point, rows: Math.min(end, point.rows) }] as const);
  return { ...run, points: new Map(points) };
}

/** The run with results in the place of what it recorded, from row `from` on. */
function asComputed(run: RecordedRun, results: Results, from: number): RecordedRun {
  const points = new Map(run.points);
  for (const [name, result] of results) {
    const own = points.get(name);
    if (own === undefined || !isKnown(result)) continue;
    const [cols, data] = "k" in result ? [result.k, result.ids] : [result.cols, result.data];
    const read: RecordedPoint["read"] = async (begin, count) => {
      const whole = begin < from && own.cols === cols ? (await own.read(begin, count)).slice() : data.slice(0, 0);
      const rows = whole.length > 0 ? whole : new (data.constructor as typeof Float32Array)(count * cols);
      const hidden = Math.max(0, from - begin);
      rows.set(data.subarray((begin + hidden - from) * cols, (begin + count - from) * cols), hidden * cols);
      return rows;
    };
    points.set(name, { ...own, cols, read });
  }
  return { ...run, points };
}

/** The largest error of a point, in part of its numbers. */
export function sizeOf({ comparison: { points } }: Difference): number {
  return Math.max(0, ...points.map(({ gap }) => gap?.rmsRelative ?? 0));
}
