// What a comparison comes to: equal, equal but for a rounding, or different, with or without a known cause.
import type { Diagnosed } from "../diagnose/diagnose.ts";
import type { Diagnosis } from "../diagnose/guesses.ts";
import type { Comparison, PointComparison } from "./compare.ts";
import { FLOAT32_FACTOR } from "./tolerance.ts";

export type Verdict =
  | { readonly is: "equal" }
  /** `which`: what was rounded, and where: "an f16 KV cache in B". */
  | { readonly is: "rounding"; readonly which: string }
  | { readonly is: "near-ties"; readonly which: string }
  | { readonly is: "different"; readonly cause: Diagnosis | undefined };

/** Verdicts that a caller may take for equal. */
export const acceptable = ["rounding", "near-ties"] as const;

export function verdictOf({ equal, tolerance, points }: Comparison, { guess }: Diagnosed): Verdict {
  if (equal) {
    const { wide } = tolerance;
    if (wide === undefined || wide.isEqual || points.every(isFloat32)) return { is: "equal" };
    return { is: "rounding", which: wide.rounding };
  }
  if (guess?.kind !== "precision") return { is: "different", cause: guess };
  const { cause, says, side } = guess;
  const which = `${says}${side === undefined ? "" : `, in ${side}`} (${cause})`;
  return cause === "near-tie" || cause === "exact-tie" ? { is: "near-ties", which } : { is: "rounding", which };
}

/** Within what float32 sums in another order leave. Given: within the comparison's own tolerance. */
function isFloat32({ gap }: PointComparison): boolean {
  return gap === undefined || gap.maxAbs <= FLOAT32_FACTOR * Math.max(1, gap.largest);
}
