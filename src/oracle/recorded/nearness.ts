// How near some rows of one point are to some rows of another, as a guide to what belongs to what.
import type { RecordedPoint } from "./recorded-run.ts";

/** Rows looked at. */
const LOOKED_AT = 4;

/**
 * √(Σ (x − y)² / Σ x²) over the first rows from either start; infinite where there is nothing to look at, or no number.
 * @param most  rows; a few unless stated
 */
export async function distance(
  x: RecordedPoint,
  fromX: number,
  y: RecordedPoint,
  fromY: number,
  most = LOOKED_AT,
): Promise<number> {
  const count = Math.min(most, x.rows - fromX, y.rows - fromY);
  if (count < 1 || fromX < 0 || fromY < 0 || x.cols !== y.cols) return Number.POSITIVE_INFINITY;
  const [p, q] = await Promise.all([x.read(fromX, count), y.read(fromY, count)]);
  let [apart, size] = [0, 0];
  for (let i = 0; i < p.length; i++) {
    apart += (p[i] - q[i]) ** 2;
    size += p[i] ** 2;
  }
  const found = Math.sqrt(apart / Math.max(size, Number.MIN_VALUE));
  return Number.isNaN(found) ? Number.POSITIVE_INFINITY : found;
}
