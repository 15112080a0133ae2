// Two recordings, however they are laid out: lined up, compared, and where they part, the cause looked for.
import { type Diagnosed, diagnose } from "../diagnose/diagnose.ts";
import { embeddingsOf, type ModelWeights } from "../diagnose/model-weights.ts";
import { lineUp } from "../recorded/line-up.ts";
import type { RecordedRun } from "../recorded/recorded-run.ts";
import { type CompareOptions, type Comparison, compareRuns } from "./compare.ts";

export interface ExplainOptions extends Omit<CompareOptions, "bias"> {
  /** Products of two numbers that the search for a cause may compute. */
  readonly maxProducts?: number;
  /** All points have been compared, and the search begins. */
  readonly onSearch?: () => void;
}

/**
 * @param weights  of the model that both should have run
 * @throws what `lineUp` and `compareRuns` throw
 */
export async function explainedComparison(
  a: RecordedRun,
  b: RecordedRun,
  weights: ModelWeights | undefined,
  { maxProducts, onSearch, ...options }: ExplainOptions = {},
): Promise<readonly [Comparison, Diagnosed]> {
  const comparison = await compareRuns(...(await lineUp(a, b, weights && embeddingsOf(weights))), {
    ...options,
    bias: weights && (async (path) => weights.numbers(`${path}.expert_bias`)),
  });
  onSearch?.();
  return [comparison, await diagnose(comparison, weights, maxProducts)];
}
