// Two recordings of one run that are laid out in different ways, brought into one: axes, padding, rows, vocabulary, scale.
import { alignRows } from "./align-rows.ts";
import { weightsBySize } from "./expert-order.ts";
import { hiddenStatesRenamed, renumberedStates } from "./hidden-states.ts";
import { type EmbeddingOf, idsOfEmbeddings } from "./id-shift.ts";
import { withLogProbabilities } from "./log-probabilities.ts";
import { overlapping } from "./overlap.ts";
import { withVocabularyOf } from "./padded-vocabulary.ts";
import type { RecordedPoint, RecordedRun } from "./recorded-run.ts";
import { inRowsOf, rearranged, rowsFrom } from "./views.ts";

/**
 * Two runs with the same rows of the same positions, as far as they have them. One that `lfm2 trace` has written has rows of
 * positions under the graph's names, and the other is laid out as it is; of two foreign ones, A says how. `notes` of the
 * results say what was done. Nothing is computed but the log-softmax of logits, where the other's are log-probabilities.
 *
 * @param embeddingOf  rows of the model's table of embeddings, where it is at hand
 * @throws PositionsError when the runs have no position in common
 */
export async function lineUp(
  a: RecordedRun,
  b: RecordedRun,
  embeddingOf?: EmbeddingOf,
): Promise<[a: RecordedRun, b: RecordedRun]> {
  if (a.about !== undefined && b.about !== undefined) return overlapping(a, b);
  if (b.about === undefined) return linedUp(a, b, embeddingOf);
  const [ours, theirs] = await linedUp(b, a, embeddingOf);
  return [theirs, ours];
}

async function linedUp(
  ours: RecordedRun,
  theirs: RecordedRun,
  embeddingOf?: EmbeddingOf,
): Promise<[ours: RecordedRun, theirs: RecordedRun]> {
  const relaid = layOut(ours, renumberedStates(ours, theirs));
  const notes = [...(relaid.notes ?? [])];
  const narrow = await withVocabularyOf(ours, relaid, notes);
  const renamed = await hiddenStatesRenamed(ours, narrow, notes);
  const ids = await idsOfEmbeddings(ours, renamed, notes, embeddingOf);
  const aligned = await alignRows(ours, { ...renamed, ids }, notes);
  const [x, y] = await withLogProbabilities(aligned.ours, aligned.theirs, notes);
  const [p, q] = weightsBySize(x, y, notes);
  return [p, { ...q, notes }];
}

/** Every point with as many columns as ours, where its shape says how; rows may still be more or fewer. */
export function layOut(ours: Pick<RecordedRun, "points">, theirs: RecordedRun): RecordedRun {
  const notes = [...(theirs.notes ?? [])];
  const done = new Map<string, string[]>();
  const { kept, ids } = theirs;
  const positions = kept?.of ?? ids?.length ?? commonestRows(ours, theirs);
  const relaidOf = (name: string, point: RecordedPoint): Relaid | undefined => {
    const own = ours.points.get(name);
    return own && relaid(own, point, positions, ids?.length === own.rows);
  };
  // As many heads as positions can be either way round: then another point with heads of that file tells.
  const hasHeadsFirst = [...theirs.points].some((entry) => relaidOf(...entry)?.isHeadsFirst);
  const points = [...theirs.points].map(([name, point]): [string, RecordedPoint] => {
    const own = ours.points.get(name);
    const found = relaidOf(name, point) ?? (own && hasHeadsFirst ? headsJoined(own, point) : undefined);
    if (found === undefined) return [name, point];
    done.set(found.how, [...(done.get(found.how) ?? []), name]);
    const isPadded = kept !== undefined && found.point.rows === kept.of;
    return [name, isPadded ? rowsFrom(found.point, kept.from, kept.count) : found.point];
  });
  for (const [how, [first, ...others]] of done) {
    notes.push(`${how}: ${first}${others.length === 0 ? "" : ` and ${others.length} more`}`);
  }
  return { ...theirs, points: new Map(points), notes };
}

interface Relaid {
  readonly point: RecordedPoint;
  readonly how: string;
  readonly isHeadsFirst?: true;
}

/** Of the points whose columns need no laying out: most have as many rows as there are positions. */
function commonestRows(ours: Pick<RecordedRun, "points">, theirs: RecordedRun): number | undefined {
  const counts = new Map<number, number>();
  for (const [name, { rows, cols }] of theirs.points) {
    if (ours.points.get(name)?.cols === cols) counts.set(rows, (counts.get(rows) ?? 0) + 1);
  }
  return [...counts].sort(([, x], [, y]) => y - x)[0]?.[0];
}

/**
 * @param positions  of their run, padding included, as far as that is known
 * @param isOneSequence  their ids are as many as our rows, so more rows are another sequence's
 */
function relaid(
  own: RecordedPoint,
  point: RecordedPoint,
  positions: number | undefined,
  isOneSequence: boolean,
): Relaid | undefined {
  const { rows, cols } = own;
  // What fits as it is, is taken as it is.
  if (point.cols === cols && (point.rows === rows || point.rows === positions)) return undefined;
  if (rows === 1 && point.rows * point.cols === cols) {
    return { point: inRowsOf(point, 1, cols), how: "axes of one position, joined" };
  }
  const [first, second, ...rest] = axesOf(point);
  const inner = rest.reduce((product, axis) => product * axis, 1);
  if (second === undefined) {
    if (first === cols || first % cols !== 0) return undefined;
    return { point: inRowsOf(point, first / cols, cols), how: `numbers without a shape read as rows of ${cols}` };
  }
  if (rest.length === 0 && second === cols) {
    const times = first / rows;
    if (!isOneSequence || times < 2 || !Number.isInteger(times)) return undefined;
    return { point: inRowsOf(point, rows, cols), how: `of a batch of ${times} folded into rows, the first sequence` };
  }
  if (rest.length === 0 && first === cols) {
    const turned = rearranged(point, second, cols, (row, col) => col * second + row);
    return turned && { point: turned, how: "channels before positions, turned round" };
  }
  if (rest.length > 0 && inner === cols) {
    return { point: inRowsOf(point, second, cols), how: `of a batch of ${first}, the first sequence` };
  }
  return headsJoined(own, point);
}

/** Without batches of one. */
function axesOf({ axes, rows, cols }: RecordedPoint): number[] {
  const found = (axes ?? [rows, cols]).slice();
  while (found.length > 1 && found[0] === 1) found.shift();
  return found;
}

/** [heads, positions, headDim] as [positions, heads · headDim]; undefined where that is not as many columns as ours. */
function headsJoined({ cols }: RecordedPoint, point: RecordedPoint): Relaid | undefined {
  const [heads, positions, headDim, ...others] = axesOf(point);
  if (headDim === undefined || others.length > 0 || heads * headDim !== cols) return undefined;
  const place = (row: number, col: number): number =>
    (Math.floor(col / headDim) * positions + row) * headDim + (col % headDim);
  const joined = rearranged(point, positions, cols, place);
  return joined && { point: joined, how: `${heads} heads before positions, joined`, isHeadsFirst: true };
}
