// Which mistake explains what lies between two runs: with it, a side's operation gives the numbers that the side recorded.
import type { PointComparison } from "../compare/compare.ts";
import type { Mistake } from "../mistakes/mistake.ts";
import { mistakes } from "../mistakes/mistakes.ts";
import type { Recomputed } from "./left-over.ts";
import { isMissed, worstLeft } from "./left-over.ts";
import type { Side, Site } from "./site.ts";
import { isSpent } from "./work.ts";

/** Products that others of their module read. */
const READ_ON = /\.(in_proj|[qkv]_proj|w[13])$/;

/** Causes that fit as well: with so many, none is told. */
const MANY = 3;

/** Parts that differ by less are the same. */
const SAME = 1e-4;

export interface Explanation {
  readonly side: Side;
  readonly site: Site;
  readonly mistake: Mistake;
  /** Others that the numbers do not tell from it. */
  readonly alike: readonly Mistake[];
  /** The part of the difference that is left at the worst of the points. */
  readonly left: number;
}

/** The mistake that explains most, of several that explain as much the simplest. None, where that might be many. */
export function explain(
  recomputed: readonly Recomputed[],
  first: PointComparison,
  kind: Mistake["kind"],
  among: readonly Mistake[] = mistakes,
): Explanation | undefined {
  const found: Omit<Explanation, "alike">[] = [];
  for (const one of recomputed) {
    const { side, site, specified, points } = one;
    const tried = one.isRight ? [] : among.filter((mistake) => mistake.kind === kind && isOf(mistake, site));
    for (const [i, mistake] of tried.entries()) {
      if (isSpent(side.work)) {
        const what = among === mistakes ? NOUN[kind] : TOGETHER;
        side.work.leftOut.push(
          `${tried.length - i} of ${tried.length} ${what} in ${side.label}'s ${site.place.module}`,
        );
        break;
      }
      if (site.isWide && isRuledOut(one, mistake)) continue;
      const left = worstLeft(points, specified, site.results(mistake), mistake, first);
      if (left !== undefined) found.push({ side, site, mistake, left });
    }
  }
  const least = Math.min(...found.map(({ left }) => left));
  const best = found.find(({ left }) => left <= least + SAME);
  if (best === undefined) return undefined;
  const causes = new Map<string, Mistake>();
  for (const { mistake, left, side } of found) {
    const isOther = !best.mistake.cause.split("+").some((cause) => mistake.cause.split("+").includes(cause));
    if (isOther && side === best.side && left <= 2 * least + SAME) causes.set(mistake.cause, mistake);
  }
  return causes.size >= MANY ? undefined : { ...best, alike: kind === "bug" ? [...causes.values()] : [] };
}

const NOUN = { bug: "known mistakes", precision: "roundings" } as const;

/** As they are told, where they were not tried. */
export const TOGETHER = "combinations of mistakes";

const isOf = ({ parts }: Mistake, { place }: Site): boolean => parts.some((part) => part === place.part);

/** Whether a few columns of the products tell already that it is not this mistake. */
function isRuledOut({ points, site, specified }: Recomputed, mistake: Mistake): boolean {
  const { kind, eitherWay } = mistake;
  return (["all", "token", "last"] as const).some((sampled) => {
    const results = site.results(mistake, sampled);
    return points.some((point) => {
      if (eitherWay?.test(point.name) || (sampled === "all" && !READ_ON.test(point.name))) return false;
      return isMissed(point, results.get(point.name), specified.get(point.name), kind === "bug");
    });
  });
}
