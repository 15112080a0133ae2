// What else is wrong in a run of which one cause is known: every module after it, computed from what the run itself recorded.
import { allowedAt } from "../compare/allowance.ts";
import { type Comparison, compareRuns, type PointComparison } from "../compare/compare.ts";
import { type Mistake, together, wordsOf } from "../mistakes/mistake.ts";
import { mistakes } from "../mistakes/mistakes.ts";
import type { RecordedPoint, RecordedRun } from "../recorded/recorded-run.ts";
import { explain, recomputeSide } from "./explain.ts";
import type { Results } from "./fit.ts";
import { type Diagnosis, damageGuess, scaleGuess, told } from "./guesses.ts";
import { isKnown, productsSoFar } from "./lazy-ops.ts";
import { numbersOf } from "./model-weights.ts";
import { isNearTie } from "./near-ties.ts";
import { explainTogether } from "./several.ts";
import { openSite, placeOf, type Side } from "./site.ts";
import {
  exchangedDiagnosis,
  exchangedLayers,
  layersLike,
  type Moved,
  movedDiagnosis,
  withLayer,
} from "./weights/other-layer.ts";
import { otherWeightGuess } from "./weights/other-weight.ts";
import { perturbedWeights } from "./weights/perturbed-weights.ts";

export interface Rest {
  /** What was given, too; in the order of execution, each once. */
  readonly causes: readonly Diagnosis[];
  /** Whether a cause is known of where it was begun. */
  readonly isFirstExplained: boolean;
  /** Modules whose numbers are neither what is specified nor what a known mistake makes of it. */
  readonly unexplained: readonly string[];
  /** Modules of which too little is known to compute them. */
  readonly unknown: readonly string[];
  /** The module from which on nothing was computed, for it would take minutes. */
  readonly leftOutFrom: string | undefined;
}

/** A cause, and where it showed. */
export interface Found {
  readonly told: Diagnosis;
  /** Undefined for what no table has, such as a damaged weight. */
  readonly mistake: Mistake | undefined;
  /** Where it is another layer's weights. */
  readonly moved?: Moved;
}

/**
 * @param given  what is found already in the module of `first`: what it does to later modules is no new cause
 * @param first  a point of the module to begin with
 * @param most   products that the modules behind it may cost
 */
export async function examineRest(
  comparison: Comparison,
  side: Side,
  given: Found | undefined,
  first: string,
  most: number,
): Promise<Rest> {
  // Within a wide tolerance something of several, or a little noise in weights, fits everything.
  const isWide = comparison.tolerance.wide !== undefined;
  const all = modulesOf(comparison, side);
  const begin = all.findIndex(({ points }) => points.some(({ name }) => name === first));
  const modules = all.slice(Math.max(0, begin));
  const found: Placed[] = given === undefined ? [] : [{ ...given, module: modules[0] }];
  const [open, unknown] = [[] as { module: Module; difference: Difference }[], [] as string[]];
  /** Of the modules that are as specified, how far they are off nevertheless. */
  const sizes = new Map<Module, number>();
  // Of the module that is begun with, everything has been tried.
  const searched = new Set([modules[0]?.part]);
  const before = productsSoFar();
  const isTooMuch = (module: Module): boolean => module !== modules[0] && productsSoFar() - before > most;
  let leftOutFrom: string | undefined;
  for (const module of modules) {
    if (isTooMuch(module)) {
      leftOutFrom = module.path;
      break;
    }
    const against = (mistake?: Mistake, of = side) => differenceOf(comparison, of, module, mistake);
    const difference = await against();
    // Without the model, what products give is taken as it was recorded.
    if (difference === undefined || !side.hasModel) unknown.push(module.path);
    const known = found.flatMap(({ mistake }) => mistake ?? []);
    if (difference !== undefined && difference.first === undefined) sizes.set(module, sizeOf(difference));
    if (difference?.first === undefined || (await isOfKnown(known, against))) continue;
    // One that was searched in vain is not searched in every layer again.
    const isThorough = !isWide && !searched.has(module.part);
    const cause = await causeOf(difference, side, known, isThorough, against);
    if (cause === undefined) {
      open.push({ module, difference });
      searched.add(module.part);
      continue;
    }
    const at = found.findIndex((one) => one.told.cause === cause.told.cause);
    const { mistake } = cause;
    const isBetter =
      at >= 0 && mistake && (await differenceOf(comparison, side, found[at].module, mistake))?.first === undefined;
    if (isBetter) found[at] = { ...cause, module: found[at].module };
    else found.push({ ...cause, module });
  }
  for (const { module, difference } of isWide ? [] : open) {
    const others = [...sizes].filter(([{ part }]) => part === module.part).map(([, size]) => size);
    const told = await perturbedAt(difference, side, module, others);
    if (told !== undefined) found.push({ told, mistake: undefined, module });
  }
  const unexplained = open
    .map(({ module }) => module.path)
    .filter((path) => !found.some(({ module }) => module.path === path));
  const isFirstExplained = found.some(({ module }) => module === modules[0]);
  return { causes: summed(found, all, side), isFirstExplained, unexplained, unknown, leftOutFrom };
}

/** The largest error of a point, in part of its numbers. */
function sizeOf({ comparison: { points } }: Difference): number {
  return Math.max(0, ...points.map(({ gap }) => gap?.rmsRelative ?? 0));
}

interface Placed extends Found {
  readonly module: Module;
}

/** In the order of execution, each once, and many parts of two layers as one. */
function summed(found: readonly Placed[], modules: readonly Module[], side: Side): Diagnosis[] {
  const partOf = ({ path }: Module): string => path.replace(/^model\.layers\.\d+\.?/, "");
  const parts = (layer: number) => modules.filter(({ path }) => path.startsWith(`model.layers.${layer}.`)).map(partOf);
  const moved = found.flatMap((one) => one.moved ?? []);
  const exchanged = exchangedLayers(moved, parts);
  const isOfExchanged = ({ moved: one }: Placed): boolean =>
    one !== undefined && exchanged?.includes(one.layer) === true && exchanged.includes(one.other);
  const causes: Diagnosis[] = [];
  for (const one of [...found].sort((a, b) => modules.indexOf(a.module) - modules.indexOf(b.module))) {
    const told = exchanged !== undefined && isOfExchanged(one) ? exchangedDiagnosis(exchanged, side) : one.told;
    if (!causes.some((other) => isSame(other, told))) causes.push(told);
  }
  return causes;
}

/** In whatever layer. */
function isSame(a: Diagnosis, b: Diagnosis): boolean {
  const words = ({ says }: Diagnosis): string => says.replace(/\.\d+\./, ".").replace(/(layer) \d+/g, "$1");
  const isAlike = ["scaled", "weights-of-other-layer"].includes(a.cause) ? words(a) === words(b) : a.says === b.says;
  return a.cause === b.cause && isAlike;
}

/** @param others  how far the modules of the same kind are off that are as specified */
async function perturbedAt(
  { comparison, first }: Difference,
  side: Side,
  { path }: Module,
  others: readonly number[],
): Promise<Diagnosis | undefined> {
  const allowance = first?.allowance;
  if (first === undefined || first.kind === "ids" || allowance === undefined) return undefined;
  const [specified, own] = [comparison.a, comparison.b].map(({ points }) => points.get(first.name));
  const [x, y] = await Promise.all(
    [specified, own].map((point) => point?.read(0, point.rows) as Promise<Float32Array>),
  );
  const [{ site }] = await recomputeSide(
    comparison,
    first,
    { ...side, run: comparison.b },
    { ...side, run: comparison.a },
  );
  const at = {
    own: y,
    specified: x,
    cols: first.shapeB[1],
    allowed: (t: number, value: number) => allowedAt(allowance, t, value),
  };
  const experts = site.place.part === "feed-forward" ? site.experts : [];
  return perturbedWeights(path, at, experts, others, side);
}

interface Module {
  readonly path: string;
  readonly part: string | undefined;
  readonly points: readonly PointComparison[];
}

function modulesOf({ points }: Comparison, { config }: Side): Module[] {
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

async function causeOf(
  { comparison, first }: Difference,
  side: Side,
  found: readonly Mistake[],
  isThorough: boolean,
  against: (mistake: Mistake | undefined, side: Side) => Promise<Difference | undefined>,
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
        const says = wordsOf(mistake, side.config, besides.site.experts);
        return { mistake, told: { ...(await told({ ...besides, alike: [] })), cause: mistake.cause, says } };
      }
    }
  }
  const moved = await movedOf(first.name, side, found, against);
  if (moved !== undefined) return { mistake: undefined, moved, told: movedDiagnosis(moved, side) };
  const scaled = await scaleGuess(comparison, first);
  if (scaled !== undefined) return { mistake: undefined, told: { ...scaled, side: side.label } };
  // Within a wide tolerance a row of small numbers is as good as zeroed.
  const damage = comparison.tolerance.wide ? undefined : damageGuess(recomputed, first);
  if (damage !== undefined) return { mistake: undefined, told: damage };
  const other = side.hasModel ? await otherWeightGuess(comparison, first, side.config, side) : undefined;
  if (other !== undefined) return { mistake: undefined, told: other };
  const several = isThorough ? explainTogether(recomputed, first) : undefined;
  return several && { mistake: several.mistake, told: await told(several) };
}

/** With which other layer's weights the module is what was recorded, at least at `first`. */
async function movedOf(
  first: string,
  side: Side,
  found: readonly Mistake[],
  against: (mistake: Mistake | undefined, side: Side) => Promise<Difference | undefined>,
): Promise<Moved | undefined> {
  const like = layersLike(first, side);
  // Of other layers' weights, a recording shows what norms multiply by.
  if (like === undefined || !(side.hasModel || like.place.part === "norm")) return undefined;
  const { place, others } = like;
  for (const other of others) {
    for (const mistake of [undefined, ...(found.length > 0 ? [together(...found)] : [])]) {
      const difference = await against(mistake, withLayer(side, place.layer, other));
      const isCompared = difference?.comparison.points.some(({ name }) => name === first);
      if (isCompared && difference?.first === undefined) {
        return { layer: place.layer, other, part: place.module.replace(/^model\.layers\.\d+\./, "") };
      }
    }
  }
  return undefined;
}
