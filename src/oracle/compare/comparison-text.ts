// A comparison for people: the verdict, where it begins, why, and the figures that say so.

import { alignColumns } from "../../columns.ts";
import { formatError, formatPercent } from "../../quantities.ts";
import type { Diagnosed } from "../diagnose/diagnose.ts";
import type { Diagnosis } from "../diagnose/guesses.ts";
import { placeInLayer } from "../recorded/point-names.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import type { Comparison, PointComparison } from "./compare.ts";
import type { FlippedExpert } from "./router-gap.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

const SHOWN_POINTS = 12;
const SHOWN_FLIPS = 8;

/** What a cell or a line says; the caller decides how it is laid out. */
export interface Wording {
  /** That more is allowed than float32 needs, why, and how to be held to float32; empty where no more is. */
  readonly wide: string;
  /** One line to each run. */
  readonly runs: readonly [string, string];
  /** How what was recorded was brought to the same rows and columns. */
  readonly notes: readonly string[];
  /** What was compared, by which tolerance. */
  readonly scope: string;
  readonly verdict: string;
  readonly cause: readonly string[];
  /** Header and rows of the points that matter most. */
  readonly table: readonly (readonly string[])[];
  /** Points outside tolerance that the table leaves out. */
  readonly leftOut: number;
  readonly logits: readonly string[];
  readonly flips: readonly string[];
}

/** @param isWhole  every point in the table, not only the first ones outside tolerance */
export function wording(comparison: Comparison, diagnosed: Diagnosed, isWhole = false): Wording {
  const { a, b, points, onlyA, onlyB, tolerance } = comparison;
  const outside = points.filter(({ within }) => !within);
  const shown = isWhole ? points : outside.slice(0, SHOWN_POINTS);
  const alone = [
    onlyA.length > 0 ? `${onlyA.length} in A alone` : "",
    onlyB.length > 0 ? `${onlyB.length} in B alone` : "",
  ];
  const others = alone.filter(Boolean).join(", ");
  return {
    wide: wideLine(comparison),
    runs: [describeRun(a), describeRun(b)],
    notes: [...notesOf("A", a), ...notesOf("B", b)],
    scope:
      `${counted(points.length, "point")} in both${others === "" ? "" : ` (${others})`}. ` +
      `Tolerance ${toleranceWords(tolerance)}: ${tolerance.reason}.`,
    verdict: verdictLine(comparison, verdictOf(comparison, diagnosed), diagnosed),
    cause: [...placeLines(comparison, outside), ...causeLines(diagnosed), ...unseenLines(comparison)],
    table: [[...COLUMNS], ...shown.map(cells)],
    leftOut: outside.length - (isWhole ? outside.length : shown.length),
    logits: points.flatMap(({ name, logits }) => (logits === undefined ? [] : [logitsLine(name, logits, comparison)])),
    flips: flipLines(comparison),
  };
}

/** The lines of a report. @param strong  how the verdict stands out */
export function reportLines(words: Wording, strong: (text: string) => string = (text) => text): string[] {
  const { wide, runs, notes, scope, verdict, cause, table, leftOut, logits, flips } = words;
  const lines = [`A  ${runs[0]}`, `B  ${runs[1]}`, ...notes, scope, "", strong(verdict), ...cause];
  if (wide !== "") lines.unshift(wide);
  if (table.length > 1) lines.push("", ...alignColumns(table, "lrrrrrr"));
  if (leftOut > 0) lines.push(`  … and ${leftOut} more outside tolerance (--all lists every point)`);
  if (logits.length > 0) lines.push("", ...logits);
  if (flips.length > 0) lines.push("", ...flips);
  return lines;
}

function toleranceWords({ factor, minds }: Comparison["tolerance"]): string {
  const of = minds === "outliers" ? "the largest number that is no outlier of its row" : "max(1, largest number)";
  return `${formatError(factor)} × ${of}`;
}

function wideLine({ tolerance }: Comparison): string {
  const { wide } = tolerance;
  if (wide === undefined) return "";
  const why = wide.isEqual ? "as asked for" : `for ${wide.rounding}`;
  return `Wide tolerance: ${toleranceWords(tolerance)}, ${why}. ${wide.remedy}.`;
}

function causeLines({ guess, next, hints }: Diagnosed): string[] {
  const further = next.map((one) => `${one.kind === "bug" ? "Then" : "Beside it,"} ${clause(one)}: ${one.evidence}.`);
  if (guess === undefined) return [...hints.map((hint) => `No known cause: ${hint}.`), ...further];
  const { evidence } = guess;
  return [`${evidence[0].toUpperCase()}${evidence.slice(1)}.`, ...further, ...hints.map((hint) => `Also: ${hint}.`)];
}

/** "softmax instead of sigmoid, in B (softmax-router)" */
function clause({ says, side, cause, or = [] }: Diagnosis): string {
  const where = side === undefined ? "" : `, in ${side}`;
  return [`${says}${where} (${cause})`, ...or.map((one) => `${one.says} (${one.cause})`)].join(", or ");
}

function verdictLine(comparison: Comparison, verdict: Verdict, { next }: Diagnosed): string {
  const { equal, a, b } = comparison;
  const isPart = (a.unseen ?? b.unseen) !== undefined;
  const nearest = equal ? `; ${nearestToTolerance(comparison)}` : "";
  if (verdict.is === "equal")
    return `Equal within tolerance at every point${isPart ? " that could be seen" : ""}${nearest}.`;
  if (verdict.is === "rounding") return `Equal within rounding: ${verdict.which}${nearest}.`;
  if (verdict.is === "near-ties") return `Equal but for ${verdict.which}.`;
  const { cause } = verdict;
  if (cause === undefined) return "Different: cause not known.";
  const then = next.filter(({ kind }) => kind === "bug").map((one) => `; then ${clause(one)}`);
  return `Different: ${clause(cause)}${then.join("")}.`;
}

function nearestToTolerance({ points }: Comparison): string {
  const part = ({ gap, tolerance }: PointComparison): number => (gap?.maxAbs ?? 0) / tolerance || 0;
  const nearest = points.reduce((most, point) => (part(point) > part(most) ? point : most));
  if (part(nearest) === 0) return "all numbers are the same";
  const { name, gap, tolerance } = nearest;
  return `the nearest to its tolerance is ${name}: ${formatError(gap?.maxAbs ?? 0)} of ${formatError(tolerance)}`;
}

function unseenLines({ a, b }: Comparison): string[] {
  return [a, b].flatMap(({ unseen }) => (unseen === undefined ? [] : [`Not seen: ${unseen}.`]));
}

/** Where two runs part. */
function placeLines({ first, points, idsDifferAt, a }: Comparison, outside: readonly PointComparison[]): string[] {
  const ids = idsDifferAt < 0 ? [] : [`The input ids differ from index ${idsDifferAt} on.`];
  if (first === undefined) return ids;
  const place = `point ${points.indexOf(first) + 1} of ${points.length}`;
  const { shapeA, shapeB, firstRow, rowsOutside } = first;
  const how =
    shapeA.join() === shapeB.join()
      ? `from token ${positionOf(a, first.name, firstRow)} on, at ${rowsOutside} of ${shapeA[0]} positions`
      : `[${shapeA.join(", ")}] in A, [${shapeB.join(", ")}] in B`;
  return [
    `They part at ${first.name} (${place}), ${how}; ${counted(outside.length, "point")} outside tolerance.`,
    ...ids,
  ];
}

const COLUMNS = ["point", "max abs", "allowed", "max rel", "RMS rel", "cosine", "tokens"] as const;

export function cells(point: PointComparison): string[] {
  const { name, gap, router, rowsOutside, shapeA, shapeB } = point;
  const tokens = `${rowsOutside} of ${shapeA[0]}`;
  if (router !== undefined) {
    const ties = router.flips === 0 ? "" : `, ${counted(router.nearTies, "near tie")}`;
    return [name, `${counted(router.flips, "flip")}${ties}`, "", "", "", "", tokens];
  }
  if (gap === undefined) return [name, `[${shapeA.join(", ")}] and [${shapeB.join(", ")}]`, "", "", "", "", ""];
  const { maxAbs, maxRel, rmsRelative, cosine } = gap;
  return [
    name,
    formatError(maxAbs),
    allowedWords(point),
    formatError(maxRel),
    formatError(rmsRelative),
    cosine.toFixed(6),
    tokens,
  ];
}

/** From what any number of the point may be off by to what some may. */
function allowedWords({ tolerance, allowance }: PointComparison): string {
  const least = allowance?.rows.reduce((a, b) => Math.min(a, b), tolerance) ?? tolerance;
  return least === tolerance ? formatError(tolerance) : `${formatError(least)} to ${formatError(tolerance)}`;
}

function logitsLine(name: string, logits: NonNullable<PointComparison["logits"]>, { a }: Comparison): string {
  const { meanKl, maxKl, top1, top5, worstRank, worstRankPosition } = logits;
  const rank =
    worstRank === 0
      ? "A's top token is B's everywhere"
      : `A's top token ranks ${worstRank + 1} in B at worst, at token ${positionOf(a, name, worstRankPosition)}`;
  return (
    `KL(A ‖ B) ${formatError(meanKl)} nats in the mean, ${formatError(maxKl)} at most; same top token at ${formatPercent(top1, 1, 1)} of the ` +
    `positions, ${formatPercent(top5, 1, 1)} of the top five shared; ${rank}.`
  );
}

function flipLines({ points, a }: Comparison): string[] {
  const all = points.flatMap(({ name, router }) =>
    (router?.examples ?? []).map((flip) => flipLine(placeInLayer(name)?.layer ?? 0, flip, positionOf(a, name, 0))),
  );
  const total = points.reduce((sum, { router }) => sum + (router?.flips ?? 0), 0);
  const rest = total - Math.min(SHOWN_FLIPS, all.length);
  return [...all.slice(0, SHOWN_FLIPS), ...(rest > 0 ? [`… and ${counted(rest, "more flip")}`] : [])];
}

const JUDGEMENTS = {
  "near tie": "a near tie",
  "differing logits": "no further than its logits already differed",
  "real error": "a real error",
} as const;

export function flipLine(layer: number, flip: FlippedExpert, start: number): string {
  const { position, expertA, expertB, apart, isBound, judgement } = flip;
  const what =
    expertB < 0 ? `no expert instead of ${expertA}` : `expert ${expertB} instead of ${expertA < 0 ? "none" : expertA}`;
  const how = apart === undefined ? "" : `, scores ${isBound ? "at most " : ""}${formatError(apart)} apart`;
  return `token ${start + position}, layer ${layer}: ${what}${how}: ${JUDGEMENTS[judgement]}`;
}

function describeRun({ name, about, points }: RecordedRun): string {
  const settings = [about?.model, about?.backend, about?.mode, about?.kvType && `${about.kvType} KV cache`];
  const rows = [...points.values()].find(({ name: point }) => !point.endsWith(".expert_bias"))?.rows ?? 0;
  return [
    `${name}: ${settings.filter(Boolean).join(", ") || "says nothing of itself"}`,
    counted(rows, "position"),
  ].join("; ");
}

function notesOf(label: string, { notes = [] }: RecordedRun): string[] {
  return notes.map((note) => `${label}: ${note}.`);
}

/** Of a point's row, counted from the first id. */
function positionOf({ start, points }: RecordedRun, name: string, row: number): number {
  return start + (points.get(name)?.skipped ?? 0) + row;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
