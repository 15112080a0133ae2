// Two recordings of one run that are laid out in different ways, brought into one: axes, padding, rows, vocabulary, scale.
import { type AlignedRows, alignRows } from "./align-rows.ts";
import { hiddenStatesRenamed } from "./hidden-states.ts";
import { idsOfEmbeddings } from "./id-shift.ts";
import { withLogProbabilities } from "./log-probabilities.ts";
import { HEAD } from "./point-names.ts";
import type { RecordedPoint, RecordedRun } from "./recorded-run.ts";
import { columnsTo, inRowsOf, rearranged } from "./views.ts";

/**
 * Lays out `theirs` as `ours` is, which has rows of positions under the graph's names; `notes` of the result say what was
 * done. Nothing is computed but the log-softmax of our logits, where theirs are log-probabilities.
 */
export async function lineUp(
  ours: RecordedRun,
  theirs: RecordedRun,
): Promise<[ours: RecordedRun, theirs: RecordedRun]> {
  const relaid = layOut(ours, theirs);
  const notes = [...(relaid.notes ?? [])];
  const renamed = await hiddenStatesRenamed(ours, relaid, notes);
  const ids = await idsOfEmbeddings(ours, renamed, notes);
  const aligned: AlignedRows = await alignRows(ours, { ...renamed, ids }, notes);
  const [a, b] = await withLogProbabilities(aligned.ours, aligned.theirs, notes);
  return [a, { ...b, notes }];
}

/** Every point with as many columns as ours, where its shape says how; rows may still be more or fewer. */
export function layOut(ours: Pick<RecordedRun, "points">, theirs: RecordedRun): RecordedRun {
  const notes = [...(theirs.notes ?? [])];
  const done = new Map<string, string[]>();
  const points = [...theirs.points].map(([name, point]): [string, RecordedPoint] => {
    const own = ours.points.get(name);
    const found = own && relaid(own, point);
    if (found === undefined) return [name, point];
    done.set(found.how, [...(done.get(found.how) ?? []), name]);
    return [name, found.point];
  });
  for (const [how, [first, ...others]] of done) {
    notes.push(`${how}: ${first}${others.length === 0 ? "" : ` and ${others.length} more`}`);
  }
  return { ...theirs, points: new Map(points), notes };
}

interface Relaid {
  readonly point: RecordedPoint;
  readonly how: string;
}

function relaid(own: RecordedPoint, point: RecordedPoint): Relaid | undefined {
  const { rows, cols } = own;
  // As many heads as positions can be either way round: what fits as it is, is taken as it is.
  if (point.rows === rows && point.cols === cols) return undefined;
  if (rows === 1 && point.rows * point.cols === cols) {
    return { point: inRowsOf(point, 1, cols), how: "axes of one position, joined" };
  }
  const axes = (point.axes ?? [point.rows, point.cols]).slice();
  while (axes.length > 1 && axes[0] === 1) axes.shift();
  const [first, second, ...rest] = axes;
  const inner = rest.reduce((product, axis) => product * axis, 1);
  if (second === undefined) {
    if (first === cols || first % cols !== 0) return undefined;
    return { point: inRowsOf(point, first / cols, cols), how: `numbers without a shape read as rows of ${cols}` };
  }
  if (rest.length === 0 && second === cols) {
    const times = first / rows;
    if (times < 2 || !Number.isInteger(times)) return undefined;
    return { point: inRowsOf(point, rows, cols), how: `of a batch of ${times} folded into rows, the first sequence` };
  }
  if (rest.length === 0 && first === cols) {
    const turned = rearranged(point, second, cols, (row, col) => col * second + row);
    return turned && { point: turned, how: "channels before positions, turned round" };
  }
  if (rest.length > 0 && inner === cols) {
    return { point: inRowsOf(point, second, cols), how: `of a batch of ${first}, the first sequence` };
  }
  if (rest.length === 1 && first * inner === cols) {
    const place = (row: number, col: number): number =>
      (Math.floor(col / inner) * second + row) * inner + (col % inner);
    const joined = rearranged(point, second, cols, place);
    return joined && { point: joined, how: `${first} heads before positions, joined` };
  }
  if (own.name === HEAD && rest.length === 0 && second > cols) {
    return { point: columnsTo(point, cols), how: `a vocabulary padded to ${second}, cut to ${cols}` };
  }
  return undefined;
}
