// Two traces of some positions each: the rows of the positions that both have.
import { PositionsError } from "../trace/trace-plan.ts";
import { isParameter } from "./point-names.ts";
import type { RecordedPoint, RecordedRun } from "./recorded-run.ts";
import { rowsFrom } from "./views.ts";

/** @throws PositionsError when no point has a position that the other run has */
export function overlapping(a: RecordedRun, b: RecordedRun): [a: RecordedRun, b: RecordedRun] {
  if (a.start === b.start && endOf(a) === endOf(b)) return [a, b];
  const [from, to] = [Math.max(a.start, b.start), Math.min(endOf(a), endOf(b))];
  if (from >= to) {
    throw new PositionsError({
      subject: b.name,
      expected: `some of the positions ${a.start} to ${endOf(a) - 1}, which ${a.name} holds`,
      found: `${b.start} to ${endOf(b) - 1}`,
      remedy: "Record the same positions.",
    });
  }
  return [between(a, from, to), between(b, from, to)];
}

function endOf({ points, start }: RecordedRun): number {
  const rows = [...points.values()].flatMap(({ name, rows }) => (isParameter(name) ? [] : [rows]));
  return start + rows.reduce((most, one) => Math.max(most, one), 0);
}

function between(run: RecordedRun, from: number, to: number): RecordedRun {
  if (from === run.start && to === endOf(run)) return run;
  const points = [...run.points].map(([name, point]): [string, RecordedPoint] => {
    const isCut = !isParameter(name) && point.rows === endOf(run) - run.start;
    return [name, isCut ? rowsFrom(point, from - run.start, to - from) : point];
  });
  const notes = [...(run.notes ?? []), `positions ${from} to ${to - 1}, which both have`];
  return { ...run, points: new Map(points), start: from, notes };
}
