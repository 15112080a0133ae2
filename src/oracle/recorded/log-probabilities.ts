// Log-probabilities where logits are expected: servers and sampling loops keep what log-softmax has made of them.
import { HEAD } from "./point-names.ts";
import type { RecordedPoint, RecordedRun } from "./recorded-run.ts";

/** Of log-probabilities the sum of their powers is 1, to float16's rounding of numbers near −20. */
const LOG_OF_ONE = 0.02;
const LOOKED_AT = 4;

/** Our logits as log-probabilities, where theirs are. */
export async function withLogProbabilities(
  ours: RecordedRun,
  theirs: RecordedRun,
  notes: string[],
): Promise<[ours: RecordedRun, theirs: RecordedRun]> {
  const [own, other] = [ours.points.get(HEAD), theirs.points.get(HEAD)];
  if (own === undefined || other === undefined || own.cols !== other.cols) return [ours, theirs];
  if ((await areLogProbabilities(own)) || !(await areLogProbabilities(other))) return [ours, theirs];
  notes.push(`log-probabilities for logits: held against the log-softmax of ours (${HEAD})`);
  return [{ ...ours, points: new Map(ours.points).set(HEAD, logSoftmax(own)) }, theirs];
}

async function areLogProbabilities(point: RecordedPoint): Promise<boolean> {
  const count = Math.min(LOOKED_AT, point.rows);
  const rows = await point.read(0, count);
  for (let row = 0; row < count; row++) {
    const total = logSum(rows.subarray(row * point.cols, (row + 1) * point.cols));
    if (!(Math.abs(total) < LOG_OF_ONE)) return false;
  }
  return count > 0;
}

function logSoftmax(point: RecordedPoint): RecordedPoint {
  return {
    ...point,
    async read(from, count) {
      const rows = Float32Array.from(await point.read(from, count));
      for (let row = 0; row < count; row++) {
        const own = rows.subarray(row * point.cols, (row + 1) * point.cols);
        const total = logSum(own);
        for (let i = 0; i < own.length; i++) own[i] -= total;
      }
      return rows;
    },
  };
}

/** log Σ exp(x), which no large number overflows. */
function logSum(row: ArrayLike<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < row.length; i++) most = Math.max(most, row[i]);
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.exp(row[i] - most);
  return most + Math.log(sum);
}
