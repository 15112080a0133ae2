// Causes as they are told: what is computed wrongly, on which side, and the figures that say so.
import { formatError, shortest } from "../../quantities.ts";
import type { Comparison, PointComparison } from "../compare/compare.ts";
import { measureGap } from "../compare/gap.ts";
import { wordsOf } from "../mistakes/mistake.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import type { Explanation } from "./explain.ts";
import { fitOf } from "./fit.ts";
import type { Recomputed } from "./left-over.ts";
import { damageAt } from "./weights/damaged-weight.ts";

export interface Diagnosis {
  /** For programs: "softmax-router", "rope-interleaved", "kv-f16", "near-tie", "exact-tie", "precision"; two joined by a plus. */
  readonly cause: string;
  readonly kind: "bug" | "precision";
  /** The side that does not compute as specified; undefined where none is to blame. */
  readonly side: "A" | "B" | undefined;
  /** For people, a clause: "softmax instead of sigmoid". */
  readonly says: string;
  /** What was computed, and what came out. */
  readonly evidence: string;
  /** Causes that the numbers do not tell from it. */
  readonly or?: readonly { readonly cause: string; readonly says: string }[];
}

/** A factor explains a difference when it leaves at most this part of it. */
const EXPLAINED = 0.1;
/** Rows that are looked at for one factor. */
const ROWS = 16;

/** An explanation in words. */
export async function told({ mistake, side, site, alike }: Explanation): Promise<Diagnosis> {
  const fit = await fitOf(side.run, site.results(mistake), site.results(), site.from);
  const says = wordsOf(mistake, side.config, site.experts);
  const evidence =
    `recomputing ${side.label}'s ${fit?.mistaken.point} from ${list([...site.inputs])} with ${says} gives ${fit?.mistaken.says}` +
    (fit?.specified === undefined ? "" : `; as specified ${fit.specified.says}`);
  const or = alike.map((one) => ({ cause: one.cause, says: wordsOf(one, side.config, site.experts) }));
  const found: Diagnosis = { cause: mistake.cause, kind: mistake.kind, side: side.label, says, evidence };
  return or.length > 0 ? { ...found, or } : found;
}

/** One place of a weight: nothing else gives what a side recorded. */
export function damageGuess(recomputed: readonly Recomputed[], { name }: PointComparison): Diagnosis | undefined {
  for (const one of recomputed) {
    const found = one.isRight ? undefined : damageAt(one, name);
    if (found === undefined) continue;
    const { cause, place, left } = found;
    const { label } = one.side;
    const says = cause === "zeroed-rows" ? `${place} zero` : `another number in ${place}`;
    const evidence =
      `what ${label}'s ${name} lacks of what is specified is ` +
      (cause === "zeroed-rows"
        ? "all there is in these columns"
        : `that place's part of it, but for ${formatError(left)}`);
    return { cause, kind: "bug", side: label, says, evidence };
  }
  return undefined;
}

/** One factor for everything: a scale that was left out, or put in twice. */
export async function scaleGuess({ a, b }: Comparison, first: PointComparison): Promise<Diagnosis | undefined> {
  const { name, kind, shapeA, shapeB, firstRow } = first;
  if (kind === "ids" || shapeA[1] !== shapeB[1]) return undefined;
  const rows = Math.min(shapeA[0], shapeB[0], ROWS);
  const from = Math.max(0, Math.min(firstRow, shapeA[0] - rows));
  const read = async ({ points }: RecordedRun) => (await points.get(name)?.read(from, rows)) as Float32Array;
  const [x, y] = [await read(a), await read(b)];
  const square = x.reduce((sum, value) => sum + value * value, 0);
  const factor = x.reduce((sum, value, i) => sum + value * y[i], 0) / square;
  const apart = measureGap(y, x);
  const scaled = measureGap(
    y,
    x.map((value) => value * factor),
  );
  if (!(scaled.rmsRelative <= 1e-4 && scaled.rmsRelative <= EXPLAINED * apart.rmsRelative)) return undefined;
  const times = shortest(factor, 5);
  // A tolerance of almost nothing finds roundings, and some of these are of one sign.
  if (Number(times) === 1) return undefined;
  const says = `B's ${first.name} is A's times ${times}`;
  const evidence = `the multiple lies within ${formatError(scaled.maxAbs)} of B's numbers; without it they are ${formatError(apart.maxAbs)} apart`;
  return { cause: "scaled", kind: "bug", side: undefined, says, evidence };
}

/** NaN, and infinity, which half precision makes of what is larger than 65504. */
export async function notFiniteGuess(
  { a, b }: Comparison,
  { name, gap, firstRow }: PointComparison,
): Promise<Diagnosis | undefined> {
  const { actual = 0, expected = 0 } = gap?.notFinite ?? {};
  if (actual === expected) return undefined;
  const [side, run, count] = actual > expected ? (["B", b, actual] as const) : (["A", a, expected] as const);
  const point = run.points.get(name);
  const rows = Math.min(ROWS, (point?.rows ?? 0) - Math.max(0, firstRow));
  const numbers = (await point?.read(Math.max(0, firstRow), rows)) as Float32Array;
  const overflown = numbers.filter((value) => Math.abs(value) >= LARGEST_HALF).length;
  const cached = overflown > 0 ? undefined : await overflownInCache(run, name);
  if (cached !== undefined) {
    const says = "keys or values past 65504, where a cache in half precision overflows";
    const evidence = `${side}'s ${cached} holds numbers of 65504 and more, and what attention makes of them is NaN or infinite`;
    return { cause: "overflow", kind: "bug", side, says, evidence };
  }
  const cause = overflown > 0 ? "overflow" : "not-a-number";
  const says = overflown > 0 ? "numbers past 65504, where half precision overflows" : `NaN in ${name}`;
  const evidence =
    `${count} of ${side}'s numbers of ${name} are NaN or infinite, the first of them at token ${run.start + firstRow}` +
    (overflown > 0 ? `; ${overflown} are infinite, or 65504 and more` : "");
  return { cause, kind: "bug", side, says, evidence };
}

/** Half precision holds nothing beyond. */
const LARGEST_HALF = 65504;
const CACHED = ["k_rope", "k_layernorm", "k_proj", "v_proj"];

/** What of a layer's attention is kept in the cache and has no room in half precision. */
async function overflownInCache({ points }: RecordedRun, name: string): Promise<string | undefined> {
  const attention = /^model\.layers\.\d+\.self_attn/.exec(name)?.[0];
  for (const part of attention === undefined ? [] : CACHED) {
    const point = points.get(`${attention}.${part}`);
    const numbers = (await point?.read(0, point.rows)) as Float32Array | undefined;
    if (numbers?.some((value) => Number.isFinite(value) && Math.abs(value) > LARGEST_HALF))
      return `${attention}.${part}`;
  }
  return undefined;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
