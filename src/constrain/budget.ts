// How much one compilation may do: counted in steps, not in time, so that every machine refuses the same requests.
import { tooLarge } from "./error.ts";

/** What is left of the steps of one compilation. */
export interface Budget {
  steps: number;
}

/** About half a second of processor time. */
const MAX_STEPS = 1 << 25;

export const newBudget = (): Budget => ({ steps: MAX_STEPS });

/** @throws ConstraintError naming `subject` when nothing is left */
export function spend(budget: Budget, steps: number, subject: string): void {
  budget.steps -= steps;
  if (budget.steps >= 0) return;
  tooLarge(
    subject,
    `what can be compiled within ${MAX_STEPS} steps`,
    "Ask for fewer repetitions, alternatives or properties.",
  );
}
