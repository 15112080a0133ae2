// Flips between experts that stood no further apart than rounding moves them.
import { formatError } from "../../quantities.ts";
import type { PointComparison } from "../compare/compare.ts";
import type { Diagnosis } from "./guesses.ts";

/** Every other expert there would have been as good. */
export function isNearTie({ router }: PointComparison): boolean {
  return router !== undefined && router.flips > 0 && router.nearTies === router.flips;
}

export function nearTieGuess(point: PointComparison): Diagnosis | undefined {
  const { name, router } = point;
  if (router === undefined || !isNearTie(point)) return undefined;
  const [{ apart, isBound }] = router.examples;
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
