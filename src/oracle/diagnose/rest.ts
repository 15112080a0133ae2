// What else is wrong in a run of which one cause is known: every module after it, computed from what the run itself recorded.
import { allowedAt } from "../compare/allowance.ts";
import type { Comparison } from "../compare/compare.ts";
import { type Mistake, type Part, together, wordsOf } from "../mistakes/mistake.ts";
import { mistakes } from "../mistakes/mistakes.ts";
import { explain } from "./explain.ts";
import { type Diagnosis, damageGuess, scaleGuess, told } from "./guesses.ts";
import { type Difference, differenceOf, type Module, modulesOf, sizeOf } from "./module-difference.ts";
import { recomputeSide } from "./recompute.ts";
import { explainTogether } from "./several.ts";
import type { Side } from "./site.ts";
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
import { isSpent } from "./work.ts";

export interface Rest {
  /** What was given, too; in the order of execution, each once. */
  readonly causes: readonly Diagnosis[];
  /** Whether a cause is known of where it was begun. */
  readonly isFirstExplained: boolean;
  /** Modules whose numbers are neither what is specified nor what a known mistake makes of it, and how far they are off. */
  readonly unexplained: readonly Off[];
  /** What kinds of modules the others are that were computed, one by one. */
  readonly right: readonly (Part | undefined)[];
  /** Modules of which too little is known to compute them. */
  readonly unknown: readonly string[];
  /** Whether modules were left out, for the search was at its end. */
  readonly isCutShort: boolean;
}

export interface Off {
  readonly path: string;
  readonly part: Part | undefined;
  /** In part of their numbers. */
  readonly size: number;
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
 * @param first  a point of the module to begin with, where everything has been tried; undefined: all modules
 */
export async function examineRest(
  comparison: Comparison,
  side: Side,
  given: Found | undefined,
  first: string | undefined,
): Promise<Rest> {
  // Within a wide tolerance something of several, or a little noise in weights, fits everything.
  const isWide = comparison.tolerance.wide !== undefined;
  const all = modulesOf(comparison, side);
  const begin = first === undefined ? 0 : all.findIndex(({ points }) => points.some(({ name }) => name === first));
  const modules = all.slice(Math.max(0, begin));
  const found: Placed[] = given === undefined ? [] : [{ ...given, module: modules[0] }];
  const [open, unknown] = [[] as { module: Module; difference: Difference }[], [] as string[]];
  /** Of the modules that are as specified, how far they are off nevertheless. */
  const sizes = new Map<Module, number>();
  const searched = new Set(first === undefined ? [] : [modules[0]?.part]);
  let isCutShort = false;
  for (const module of modules) {
    if (module !== modules[0] && isSpent(side.work)) {
      isCutShort = true;
      side.work.leftOut.push(`everything from ${side.label}'s ${module.path} on`);
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
    if (module.part === "residual") continue; // has no weights
    const others = [...sizes].filter(([{ part }]) => part === module.part).map(([, size]) => size);
    const told = await perturbedAt(difference, side, module, others);
    if (told !== undefined) found.push({ told, mistake: undefined, module });
  }
  const unexplained = open
    .filter(({ module }) => !found.some((one) => one.module === module))
    .map(({ module: { path, part }, difference }) => ({ path, part, size: sizeOf(difference) }));
  const right = [...sizes.keys()].map(({ part }) => part);
  const isFirstExplained = found.some(({ module }) => module === modules[0]);
  return { causes: summed(found, all, side), isFirstExplained, unexplained, right, unknown, isCutShort };
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
        const { cause, kind } = mistake;
        return { mistake, told: { ...(await told({ ...besides, alike: [] })), cause, kind, says } };
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
    if (isSpent(side.work)) {
      side.work.leftOut.push(`the weights of other layers in ${side.label}'s ${place.module}`);
      return undefined;
    }
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
