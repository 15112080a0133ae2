// A gap in words, in the manner of torch.testing.assert_close.
import { formatError } from "../../quantities.ts";
import type { Gap, Tolerance } from "./gap.ts";

/** What torch.testing.assert_close allows float32 by default. @source torch/testing/_comparison.py, _DTYPE_PRECISIONS */
export const FLOAT32_TOLERANCE: Tolerance = { atol: 1e-5, rtol: 1.3e-6 };

/** Lines: how many numbers are outside the tolerance, and the worst of them. Given: some are. */
export function describeGap(gap: Gap, shape: readonly number[], { atol, rtol }: Tolerance): string[] {
  const { count, mismatched, maxAbs, maxAbsIndex, maxRel, maxRelIndex, notFinite } = gap;
  const at = (index: number): string => {
    const place = unravelled(index, shape);
    return `at index (${place.length === 1 ? `${place[0]},` : place.join(", ")})`;
  };
  const lines = [
    `Mismatched elements: ${mismatched} / ${count} (${percentage(mismatched, count)}%)`,
    `Greatest absolute difference: ${formatError(maxAbs, 4)} ${at(maxAbsIndex)} (up to ${formatError(atol, 4)} allowed)`,
    `Greatest relative difference: ${formatError(maxRel, 4)} ${at(maxRelIndex)} (up to ${formatError(rtol, 4)} allowed)`,
  ];
  if (notFinite.index >= 0) {
    const { actual, expected, index } = notFinite;
    lines.push(`NaN or infinite: ${actual} found, ${expected} expected, first apart ${at(index)}`);
  }
  return lines;
}

/** 17 in a [3, 8] tensor → [2, 1]. */
export function unravelled(index: number, shape: readonly number[]): number[] {
  let rest = index;
  const place = new Array<number>(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    place[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return place;
}

/** Some is never 0.0, and not all never 100.0. */
function percentage(part: number, whole: number): string {
  const exact = (100 * part) / whole;
  if (part === whole) return "100.0";
  return Math.min(99.9, Math.max(0.1, exact)).toFixed(1);
}
