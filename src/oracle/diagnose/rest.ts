// What else is wrong in a run of which one cause is known: every module after it, computed from what the run itself recorded.
import { type Comparison, compareRuns, type PointComparison } from "../compare/compare.ts";
import { type Mistake, together } from "../mistakes/mistake.ts";
import { mistakes } from "../mistakes/mistakes.ts";
import type { RecordedPoint, RecordedRun } from "../recorded/recorded-run.ts";
import { explain, recomputeSide } from "./explain.ts";
import type { Results } from "./fit.ts";
import { type Diagnosis, damageGuess, scaleGuess, told } from "./guesses.ts";
import { isKnown } from "./lazy-ops.ts";
import { numbersOf } from "./model-weights.ts";
import { isNearTie } from "./near-ties.ts";
import { explainTogether } from "./several.ts";
import { openSite, placeOf, type Side } from "./site.ts";

export interface Rest {
  /** What was given, too; in the order of execution, each once. */
  readonly causes: readonly Diagnosis[];
  /** Modules whose numbers are neither what is specified nor what a known mistake makes of it. */
  readonly unexplained: readonly string[];
  /** Modules of which too little is known to compute them. */
  readonly unknown: readonly string[];
}

/** A cause, and where it showed. */
export interface Found {
  readonly told: Diagnosis;
  /** Undefined for what no table has, such as a damaged weight. */
  readonly mistake: Mistake | undefined;
}

/**
 * @param given  what is found already in the module of `first`: what it does to later modules is no new cause
 * @param first  a point of the module to begin with
 */
export async function examineRest(
  comparison: Comparison,
  side: Side,
  given: Found | undefined,
  first: string,
): Promise<Rest> {
  const modules = modulesFrom(comparison, side, first);
  const found = given === undefined ? [] : [{ ...given, module: modules[0] }];
  const [unexplained, unknown] = [[] as string[], [] as string[]];
  // Of the module that is begun with, everything has been tried.
  const searched = new Set([modules[0]?.part]);
  for (const module of modules) {
    const against = (mistake?: Mistake) => differenceOf(comparison, side, module, mistake);
    const difference = await against();
    if (difference === undefined) unknown.push(module.path);
    const known = found.flatMap(({ mistake }) => mistake ?? []);
    if (difference?.first === undefined || (await isOfKnown(known, against))) continue;
    // One that was searched in vain is not searched in every layer again.
    const isThorough = !searched.has(module.part);
    const cause = await causeOf(difference, side, known, isThorough);
    if (cause === undefined) {
      unexplained.push(module.path);
      searched.add(module.part);
      continue;
    }
    const at = found.findIndex((one) => one.told.cause === cause.told.cause);
    const { mistake } = cause;
    const isBetter =
      at >= 0 && mistake && (await differenceOf(comparison, side, found[at].module, mistake))?.first === undefined;
    if (isBetter) found[at] = { ...cause, module: found[at].module };
    else if (!found.some(({ told }) => isSame(told, cause.told))) found.push({ ...cause, module });
  }
  return { causes: found.map(({ told }) => told), unexplained, unknown };
}

/** In whatever layer. */
function isSame(a: Diagnosis, b: Diagnosis): boolean {
  const words = ({ says }: Diagnosis): string => says.replace(/\.\d+\./, ".");
  return a.cause === b.cause && (a.cause === "scaled" ? words(a) === words(b) : a.says === b.says);
}

interface Module {
  readonly path: string;
  readonly part: string | undefined;
  readonly points: readonly PointComparison[];
}

function modulesFrom({ points }: Comparison, { config }: Side, first: string): Module[] {
  const modules = new Map<string, Module & { points: PointComparison[] }>();
  for (const point of points) {
    const place = placeOf(point.name, config);
    if (place === undefined) continue;
    const module = modules.get(place.module) ?? { path: place.module, part: place.part, points: [] };
    modules.set(place.module, module);
    module.points.push(point);
  }
  const all = [...modules.values()];
  const at = all.findIndex(({ points: own }) => own.some(({ name }) => name === first));
  return all.slice(Math.max(0, at));
}

/** Whether one of the mistakes that are known, or all of them, make the module's numbers what they are. */
async function isOfKnown(
  found: readonly Mistake[],
  against: (mistake: Mistake) => Promise<Difference | undefined>,
): Promise<boolean> {
  const all = found.length > 1 ? [together(...found), ...found] : found;
  for (const mistake of all) {
    const difference = await against(mistake);
    if (difference !== undefined && difference.first === undefined) return true;
  }
  return false;
}

interface Difference {
  /** What is specified, and what was recorded. */
  readonly comparison: Comparison;
  /** Where they part; undefined where they do not, but for near ties. */
  readonly first: PointComparison | undefined;
}

/** @returns undefined where nothing is known to compute the module from */
async function differenceOf(
  { tolerance }: Comparison,
  side: Side,
  { points }: Module,
  mistake: Mistake | undefined,
): Promise<Difference | undefined> {
  const site = await openSite({ ...points[0], firstRow: 0 }, side, side, "input");
  const results = site?.results(mistake) ?? new Map();
  const names = points.map(({ name }) => name).filter((name) => results.has(name) && isKnown(results.get(name)));
  if (site === undefined || names.length === 0) return undefined;
  const own = upTo(side.run, site.from + results.get(names[0]).rows);
  const comparison = await compareRuns(asComputed(own, results, site.from), own, {
    tolerance: tolerance.factor,
    select: (name) => names.includes(name),
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

async function causeOf(
  { comparison, first }: Difference,
  side: Side,
  found: readonly Mistake[],
  isThorough: boolean,
): Promise<Found | undefined> {
  if (first === undefined) return undefined;
  const { a: specified, b: run } = comparison;
  const recomputed = await recomputeSide(comparison, first, { ...side, run }, { ...side, run: specified });
  for (const kind of ["bug", "precision"] as const) {
    const alone = explain(recomputed, first, kind);
    if (alone !== undefined) return { mistake: alone.mistake, told: await told(alone) };
    for (const base of found.length > 1 ? [together(...found), ...found] : found) {
      const besides = explain(
        recomputed,
        first,
        kind,
        mistakes.map((one) => together(base, one)),
      );
      const mistake = besides?.mistake.members?.at(-1);
      if (besides !== undefined && mistake !== undefined) {
        return { mistake, told: { ...(await told(besides)), ...wordsOf(mistake, side) } };
      }
    }
  }
  const scaled = await scaleGuess(comparison, first);
  if (scaled !== undefined) return { mistake: undefined, told: { ...scaled, side: side.label } };
  const damage = damageGuess(recomputed, first);
  if (damage !== undefined) return { mistake: undefined, told: damage };
  const several = isThorough ? explainTogether(recomputed, first) : undefined;
  return several && { mistake: several.mistake, told: await told(several) };
}

function wordsOf({ cause, says }: Mistake, { config }: Side): Pick<Diagnosis, "cause" | "says"> {
  return { cause, says: typeof says === "string" ? says : says(config) };
}
