// Rows of two recordings that are not as many: one row of logits, the last ones kept, padding before or after.
import { distance } from "./nearness.ts";
import type { RecordedPoint, RecordedRun } from "./recorded-run.ts";
import { rowsFrom } from "./views.ts";

export interface AlignedRows {
  readonly ours: RecordedRun;
  readonly theirs: RecordedRun;
}

/** A parameter is no position's. */
const isParameter = (name: string): boolean => name.endsWith(".expert_bias");

/**
 * Leaves rows out on the side that has more. Which ones is told by the ids where they are known; else by the numbers of
 * the first point that tells, for the earliest points are the likeliest to be right; else they are the first ones, for
 * servers keep the last rows and batches are padded on the left.
 */
export async function alignRows(ours: RecordedRun, theirs: RecordedRun, notes: string[]): Promise<AlignedRows> {
  const extras = new Map<number, number>();
  for (const [name, own] of ours.points) {
    const other = theirs.points.get(name);
    if (other === undefined || isParameter(name) || own.cols !== other.cols) continue;
    const extra = other.rows - own.rows;
    if (extra === 0 || extras.has(extra)) continue;
    const leading = await leadingRows(ours, theirs, extra);
    extras.set(extra, leading);
    notes.push(said(own, other, leading, name));
  }
  if (extras.size === 0) return { ours, theirs };
  const cut = (run: RecordedRun, other: RecordedRun, sign: 1 | -1): RecordedRun => {
    const points = [...run.points].map(([name, point]): [string, RecordedPoint] => {
      const against = other.points.get(name);
      const extra = against === undefined || isParameter(name) ? 0 : point.rows - against.rows;
      const leading = extras.get(sign * extra);
      if (extra <= 0 || leading === undefined || against === undefined) return [name, point];
      return [name, { ...rowsFrom(point, leading, against.rows), skipped: sign === -1 ? leading : 0 }];
    });
    return { ...run, points: new Map(points) };
  };
  const ids = withoutPadding(ours.ids, theirs.ids, extras);
  return { ours: cut(ours, theirs, -1), theirs: { ...cut(theirs, ours, 1), ids } };
}

/** Ids before a text that repeat one which the text does not have are padding; others have been read. */
function withoutPadding(
  ours: readonly number[] | undefined,
  theirs: readonly number[] | undefined,
  extras: ReadonlyMap<number, number>,
): readonly number[] | undefined {
  if (ours === undefined || theirs === undefined) return theirs;
  const leading = extras.get(theirs.length - ours.length);
  if (leading === undefined || theirs.length < ours.length) return theirs;
  const [pad] = theirs;
  const isRead = theirs.slice(0, leading).some((id) => id !== pad || ours.includes(id));
  return isRead ? theirs : theirs.slice(leading, leading + ours.length);
}

/** How many of the rows that one side has in excess stand before the first that both have: all of them, or none. */
async function leadingRows(ours: RecordedRun, theirs: RecordedRun, extra: number): Promise<number> {
  const most = Math.abs(extra);
  if (extra > 0 && ours.ids !== undefined && theirs.ids?.length === ours.ids.length + extra) {
    const { ids } = ours;
    const fits = (from: number): boolean => ids.every((id, i) => theirs.ids?.[from + i] === id);
    if (fits(most)) return most;
    if (fits(0)) return 0;
  }
  for (const [name, own] of ours.points) {
    const other = theirs.points.get(name);
    if (other === undefined || isParameter(name) || own.cols !== other.cols || other.rows - own.rows !== extra)
      continue;
    const [late, early] = await Promise.all([
      extra > 0 ? distance(own, 0, other, most) : distance(own, most, other, 0),
      distance(own, 0, other, 0),
    ]);
    // One that tells: the other way is another thing altogether.
    if (Math.min(late, early) < 0.5 * Math.max(late, early)) return late < early ? most : 0;
  }
  return most;
}

function said(own: RecordedPoint, other: RecordedPoint, leading: number, name: string): string {
  const extra = other.rows - own.rows;
  const where = leading === 0 ? "at the end" : "at the beginning";
  if (extra > 0) return `${other.rows} rows for ${own.rows}: ${extra} ${where} left out (${name})`;
  if (other.rows === 1)
    return `one row for ${own.rows}: held against the ${leading === 0 ? "first" : "last"} (${name})`;
  return `${other.rows} rows for ${own.rows}: held against the ${leading === 0 ? "first" : "last"} ones (${name})`;
}
