// Rows of two recordings that are not as many: one row of logits, the last ones kept, padding, more sequences than one.
import { distance } from "./nearness.ts";
import { withoutPadding } from "./padding.ts";
import { EMBEDDING, FINAL_NORM, HEAD, isParameter } from "./point-names.ts";
import type { RecordedPoint, RecordedRun } from "./recorded-run.ts";
import { rowsFrom } from "./views.ts";

export interface AlignedRows {
  readonly ours: RecordedRun;
  readonly theirs: RecordedRun;
}

/** Between the two ways of laying rows side by side: the other one is another thing altogether. */
const TELLING = 0.5;

/**
 * Leaves rows out on the side that has more. Which ones is told by the ids where they are known; else by the numbers of
 * the first point that tells, for the earliest points are the likeliest to be right; else they are the first ones, for
 * servers keep the last rows and batches are padded on the left. Of what the model gives in the end, fewer rows are always
 * the last: that a server gives those of another position is a mistake.
 */
export async function alignRows(given: RecordedRun, padded: RecordedRun, notes: string[]): Promise<AlignedRows> {
  const [ours, theirs] = [given, withoutPadding(given, padded, notes)];
  const extras = new Map<number, number>();
  for (const [name, own] of ours.points) {
    const other = theirs.points.get(name);
    if (other === undefined || isParameter(name) || own.cols !== other.cols) continue;
    const extra = other.rows - own.rows;
    if (extra === 0 || extras.has(extra)) continue;
    const leading = await leadingRows(ours, theirs, extra);
    extras.set(extra, leading);
    notes.push(await said(own, other, leading));
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
  return { ours: cut(ours, theirs, -1), theirs: cut(theirs, ours, 1) };
}

/** How many of the rows that one side has in excess stand before the first that both have. */
async function leadingRows(ours: RecordedRun, theirs: RecordedRun, extra: number): Promise<number> {
  const most = Math.abs(extra);
  const pairs = [...ours.points].flatMap(([name, own]) => {
    const other = theirs.points.get(name);
    const isSuch = other !== undefined && !isParameter(name) && own.cols === other.cols;
    return isSuch && other.rows - own.rows === extra ? [[own, other] as const] : [];
  });
  if (extra > 0 && ours.ids !== undefined) {
    const { ids, start } = ours;
    // A trace of some positions says which ones.
    if (start > 0 && start <= most && pairs.every(([, other]) => other.rows === ids.length)) return start;
    if (theirs.ids?.length === ids.length + extra) {
      const fits = (from: number): boolean => ids.every((id, i) => theirs.ids?.[from + i] === id);
      if (fits(most)) return most;
      if (fits(0)) return 0;
    }
  }
  for (const [own, other] of pairs) {
    if (extra < 0 && isGivenInTheEnd(own)) continue;
    const [late, early] = await bothWays(own, other);
    if (Math.min(late, early) < TELLING * Math.max(late, early)) return late < early ? most : 0;
  }
  return most;
}

function isGivenInTheEnd({ name }: RecordedPoint): boolean {
  return name === HEAD || name === FINAL_NORM;
}

/** How far apart the two are with the rows of the longer one that come last, and with those that come first. */
function bothWays(own: RecordedPoint, other: RecordedPoint): Promise<[late: number, early: number]> {
  const extra = other.rows - own.rows;
  const late = extra > 0 ? distance(own, 0, other, extra) : distance(own, -extra, other, 0);
  return Promise.all([late, distance(own, 0, other, 0)]);
}

async function said(own: RecordedPoint, other: RecordedPoint, leading: number): Promise<string> {
  const { name } = own;
  const extra = other.rows - own.rows;
  if (extra > 0) {
    if (leading === 0 && other.rows % own.rows === 0 && !(await isSameToken(own, other))) {
      return `of a batch of ${other.rows / own.rows} folded into rows, the first sequence: ${name}`;
    }
    const where = leading === 0 ? "at the end" : leading === extra ? "at the beginning" : "around them";
    return `${other.rows} rows for ${own.rows}: ${extra} ${where} left out (${name})`;
  }
  const rows = other.rows === 1 ? `one row for ${own.rows}` : `${other.rows} rows for ${own.rows}`;
  const which = `${leading === 0 ? "first" : "last"}${other.rows === 1 ? "" : " ones"}`;
  const [late, early] = leading === 0 ? [0, 0] : await bothWays(own, other);
  const doubt = early < TELLING * late ? ", though it is nearer to the first" : "";
  return `${rows}: held against the ${which}${doubt} (${name})`;
}

/** Whether what stands after the rows that both have is the embedding of one token again and again, as padding's is. */
async function isSameToken({ name, rows }: RecordedPoint, other: RecordedPoint): Promise<boolean> {
  if (name !== EMBEDDING) return false;
  const [first, last] = await Promise.all([other.read(rows, 1), other.read(other.rows - 1, 1)]);
  return first.every((value, i) => value === last[i]);
}
