// Rounding or mistake: told by the shape of the errors along the graph.
import { shortest } from "../../quantities.ts";
import type { PointComparison } from "../compare/compare.ts";

/** Where it begins, rounding is a small part of the numbers: 8-bit activations make 1 to 3 % of a product. */
const SMALL = 0.05;
/** An operation passes errors on, and adds its own of the same kind; it does not make them this much larger at once. */
const JUMP = 8;
/** At the end of many layers the two still point the same way. */
const SAME_WAY = 0.9;

/** What the errors along the graph come to, or the first point that is unlike rounding. */
type Course = { readonly says: string } | { readonly unlike: PointComparison };

/**
 * A precision difference is small where it begins, grows without a jump, and leaves everything pointing the same way.
 * Chosen experts may flip, so what the router and single experts give is not looked at. A mistake as small and as even
 * is not told apart, which is why known mistakes are tried first.
 *
 * Given: some point is outside its tolerance.
 */
export function courseOf(points: readonly PointComparison[]): Course {
  const from = points.findIndex(({ within }) => !within);
  let [most, least] = [0, 1];
  let before: number | undefined;
  for (const point of points.slice(from)) {
    const { kind, gap, name } = point;
    if (kind === "ids" || name.endsWith(".margin") || name.includes(".gate.") || name.includes(".experts.")) continue;
    const { rmsRelative, cosine } = gap ?? { rmsRelative: Number.NaN, cosine: 0 };
    const isLike = rmsRelative <= (before === undefined ? SMALL : JUMP * before) && cosine >= SAME_WAY;
    if (!isLike) return { unlike: point };
    before = Math.max(before ?? 0, rmsRelative);
    [most, least] = [Math.max(most, rmsRelative), Math.min(least, cosine)];
  }
  if (before === undefined) return { unlike: points[from] };
  const first = shortest(100 * (points[from].gap?.rmsRelative ?? 0), 2);
  const says =
    `errors begin at ${first} % of the numbers, grow without a jump to ${shortest(100 * most, 2)} %, and ` +
    `the cosine stays above ${(Math.floor(least * 1000) / 1000).toFixed(3)}`;
  return { says };
}

/** The figures that say that it is rounding; undefined when they say otherwise. */
export function isPrecision(points: readonly PointComparison[]): string | undefined {
  const course = courseOf(points);
  return "says" in course ? course.says : undefined;
}
