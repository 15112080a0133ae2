// Several mistakes in one module: those that come nearest to its numbers by themselves, each with all others.
import type { PointComparison } from "../compare/compare.ts";
import type { Mistake } from "../mistakes/mistake.ts";
import { together } from "../mistakes/mistake.ts";
import { mistakes } from "../mistakes/mistakes.ts";
import { distanceLeft, type Explanation, explain, type Recomputed } from "./explain.ts";
import { MOST_PRODUCTS } from "./lazy-ops.ts";

/** That are gone on with, of all that were tried. */
const NEAREST = 6;
/** Of two equal parts of a difference, one is left when the other is taken away: √½ of it. */
const LEFT_BY_ONE = 0.9;
const LEFT_BY_TWO = 0.6;
/** At once, in one module. */
const MOST = 3;

/** Given: no single mistake explains the module. @returns one explanation, whose mistake is several */
export function explainTogether(recomputed: readonly Recomputed[], first: PointComparison): Explanation | undefined {
  for (const label of ["B", "A"]) {
    const [one] = recomputed.filter(({ side, isRight }) => side.label === label && !isRight);
    const found = one && searchFrom(one, first);
    if (found !== undefined) return found;
  }
  return undefined;
}

function searchFrom(one: Recomputed, first: PointComparison): Explanation | undefined {
  const { site, side } = one;
  const known = mistakes.filter(({ kind, parts }) => kind === "bug" && parts.some((part) => part === site.place.part));
  const rows = Math.max(...[...one.specified.values()].map((result) => result.rows));
  const affordable = MOST_PRODUCTS / (rows * side.config.hiddenSize ** 2);
  let nearest = nearestOf(one, known, LEFT_BY_ONE);
  for (let count = 2, tried = known.length; count <= MOST; count++) {
    const combined = nearest.flatMap((a) =>
      known.filter((b) => !a.cause.split("+").includes(b.cause)).map((b) => together(a, b)),
    );
    tried += combined.length;
    if (tried > affordable) return undefined;
    const found = explain([one], first, "bug", combined);
    if (found !== undefined) return found;
    nearest = count < MOST ? nearestOf(one, combined, LEFT_BY_TWO) : [];
  }
  return undefined;
}

function nearestOf(one: Recomputed, some: readonly Mistake[], most: number): readonly Mistake[] {
  return some
    .map((mistake) => ({ mistake, distance: distanceLeft(one, one.site.results(mistake)) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, NEAREST)
    .map(({ mistake }) => mistake);
}
