// A comparison for programs: everything but the numbers themselves, as plain data.

import type { Diagnosed } from "../diagnose/diagnose.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import type { Comparison } from "./compare.ts";
import { verdictOf } from "./verdict.ts";

export function comparisonJson(comparison: Comparison, diagnosed: Diagnosed): string {
  const { guess, next, hints } = diagnosed;
  const { a, b, equal, first, idsDifferAt, tolerance, points, onlyA, onlyB } = comparison;
  const plain = {
    verdict: verdictOf(comparison, diagnosed).is,
    equal,
    first: first?.name ?? null,
    cause: guess ?? null,
    next,
    hints,
    tolerance,
    idsDifferAt,
    a: side(a),
    b: side(b),
    points: points.map(({ logits, allowance: _, ...point }) => ({
      ...point,
      logits: logits && { ...logits, sample: undefined },
    })),
    onlyA,
    onlyB,
  };
  // JSON has no word for what is no number.
  const named = (_: string, value: unknown): unknown =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify(plain, named, 2)}\n`;
}

function side({ name, about, start, ids, notes = [], unseen }: RecordedRun): object {
  const { config: _, ...settings } = about ?? { config: {} };
  return { name, start, ids: ids?.length ?? null, notes, ...(unseen !== undefined && { unseen }), ...settings };
}
