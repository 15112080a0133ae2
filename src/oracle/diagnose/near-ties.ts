// Flips between experts that stood no further apart than rounding moves them.
import { formatError } from "../../quantities.ts";
import type { PointComparison } from "../compare/compare.ts";
import type { RouterGap } from "../compare/router-gap.ts";
import type { Diagnosis } from "./guesses.ts";

/** Every other expert there would have been as good. */
export function isNearTie({ router }: PointComparison): boolean {
  return router !== undefined && router.flips > 0 && router.nearTies === router.flips;
}

export function nearTieGuess(point: PointComparison): Diagnosis | undefined {
  const { name, router } = point;
  if (router === undefined || !isNearTie(point)) return undefined;
  const [{ apart, isBound }] = router.examples;
  const exact = exactTies(router);
  if (exact !== undefined) {
    return {
      ...{ cause: "exact-tie", kind: "precision", side: undefined, says: exact },
      evidence: `the scores of all ${router.flips} flipped experts of ${name} were equal, so that either could be chosen`,
    };
  }
  const evidence =
    `all ${router.flips} flipped ${router.flips === 1 ? "expert" : "experts"} of ${name} were near ties: the first two stood ` +
    `${isBound ? "at most " : ""}${formatError(apart ?? 0)} apart, no more than the runs' scores differ`;
  return {
    cause: "near-tie",
    kind: "precision",
    side: undefined,
    says: "near ties, which a rounding decides",
    evidence,
  };
}

/** Which of two experts with the same score each run takes, where it always is the same one. */
function exactTies({ examples, flips }: RouterGap): string | undefined {
  if (examples.length < flips || !examples.every(({ apart, isBound }) => apart === 0 && !isBound)) return undefined;
  const isHigher = examples.map(({ expertA, expertB }) => expertB > expertA);
  if (new Set(isHigher).size !== 1) return "exact ties, decided one way and the other";
  return isHigher[0]
    ? "exact ties, where B takes the higher id, A the lower"
    : "exact ties, where A takes the higher id, B the lower";
}
