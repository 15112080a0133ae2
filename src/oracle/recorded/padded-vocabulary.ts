// Logits over more ids than the vocabulary has, as padded matrices give them.
import { HEAD } from "./point-names.ts";
import { pieces, type RecordedPoint, type RecordedRun } from "./recorded-run.ts";
import { columnsTo } from "./views.ts";

/**
 * Theirs with the logits of our ids alone. Where a number of the others is the largest of its row, a sampler may choose it,
 * so nothing is cut, and it is said.
 */
export async function withVocabularyOf(ours: RecordedRun, theirs: RecordedRun, notes: string[]): Promise<RecordedRun> {
  const [own, other] = [ours.points.get(HEAD), theirs.points.get(HEAD)];
  if (own === undefined || other === undefined || other.cols <= own.cols || !isOfRows(other)) return theirs;
  const chosen = await rowsChosenBeyond(other, own.cols);
  if (chosen > 0) {
    const rows = `${chosen} of ${other.rows} rows have their largest number`;
    notes.push(`a vocabulary padded to ${other.cols}, left as it is, for ${rows} beyond the ${own.cols} ids: ${HEAD}`);
    return theirs;
  }
  notes.push(`a vocabulary padded to ${other.cols}, cut to ${own.cols}: ${HEAD}`);
  return { ...theirs, points: new Map(theirs.points).set(HEAD, columnsTo(other, own.cols)) };
}

/** [positions, ids], and no axes that have been joined. */
function isOfRows({ axes = [], cols }: RecordedPoint): boolean {
  return axes.length === 0 || axes.at(-1) === cols;
}

async function rowsChosenBeyond(point: RecordedPoint, count: number): Promise<number> {
  let chosen = 0;
  for (const [from, rows] of pieces(point.rows, point.cols)) {
    const data = await point.read(from, rows);
    for (let at = 0; at < data.length; at += point.cols) {
      const largest = highest(data.subarray(at, at + count));
      if (highest(data.subarray(at + count, at + point.cols)) > largest) chosen++;
    }
  }
  return chosen;
}

function highest(numbers: ArrayLike<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < numbers.length; i++) most = Math.max(most, numbers[i]);
  return most;
}
