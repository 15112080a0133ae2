// Several mistakes in one module: those that come nearest to its numbers by themselves, each with all others.
import type { PointComparison } from "../compare/compare.ts";
import type { Mistake } from "../mistakes/mistake.ts";
import { together } from "../mistakes/mistake.ts";
import { mistakes } from "../mistakes/mistakes.ts";
import { type Explanation, explain, TOGETHER } from "./explain.ts";
import type { Recomputed } from "./left-over.ts";
import { distanceLeft } from "./left-over.ts";
import { isSpent } from "./work.ts";

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
  const { site } = one;
  const known = mistakes.filter(({ kind, parts }) => kind === "bug" && parts.some((part) => part === site.place.part));
  const costs = new Map<Mistake, number>();
  let nearest = nearestOf(one, known, LEFT_BY_ONE, costs);
  const cheapFirst = [...known].sort((a, b) => (costs.get(a) ?? 0) - (costs.get(b) ?? 0));
  for (let count = 2; count <= MOST; count++) {
    const combined = cheapFirst.flatMap((b) =>
      nearest.filter((a) => !a.cause.split("+").includes(b.cause)).map((a) => together(a, b)),
    );
    const found = explain([one], first, "bug", combined);
    if (found !== undefined) return found;
    nearest = count < MOST ? nearestOf(one, combined, LEFT_BY_TWO) : [];
  }
  return undefined;
}

/** @param costs  is told what each of them took */
function nearestOf(
  one: Recomputed,
  some: readonly Mistake[],
  most: number,
  costs = new Map<Mistake, number>(),
): readonly Mistake[] {
  const { work, label } = one.side;
  const distances: { readonly mistake: Mistake; readonly distance: number }[] = [];
  for (const mistake of some) {
    if (isSpent(work)) {
      work.leftOut.push(`${TOGETHER} in ${label}'s ${one.site.place.module}`);
      return [];
    }
    const before = work.spent;
    distances.push({ mistake, distance: distanceLeft(one, mistake) });
    costs.set(mistake, work.spent - before);
  }
  return distances
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, NEAREST)
    .map(({ mistake }) => mistake);
}
