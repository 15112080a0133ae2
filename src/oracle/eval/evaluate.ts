// A model run over a text's windows: how well it predicts each token, and how far from another model it does.
import { LogitsError } from "../../engine/finite-logits.ts";
import { type ChecksOf, checkOptions } from "../../options/check-options.ts";
import { abortSignal, anything } from "../../options/checks.ts";
import type { TracePiece } from "../trace/trace-pieces.ts";
import type { TraceChoice } from "../trace/trace-plan.ts";
import {
  type EvalPlan,
  EvaluationError,
  firstScored,
  type Shard,
  scoredPositions,
  targetsOf,
  WHOLE,
  windowIds,
  windowsOf,
} from "./eval-plan.ts";
import { logSumExp, softmaxGap } from "./softmax-gap.ts";

/** What a window has shown; each list has an entry for every scored position. */
export interface WindowScores {
  /** Its place in the text, from 0. */
  readonly window: number;
  /** −log p of the text's token, in nats. */
  readonly nll: readonly number[];
  readonly base?: BaseScores;
}

export interface BaseScores {
  /** −log p of the text's token under the base. */
  readonly nll: readonly number[];
  /** KL(base ‖ model), in nats. */
  readonly kl: readonly number[];
  /** 1 where both have the same likeliest token. */
  readonly sameTop: readonly number[];
}

/** An opened model, as far as an evaluation needs one. */
export interface EvaluatedModel {
  readonly config: { readonly vocabSize: number };
  trace(
    ids: readonly number[],
    options?: TraceChoice & { readonly signal?: AbortSignal },
  ): AsyncGenerator<TracePiece, void>;
}

export interface EvaluateOptions {
  /** The base that KL divergence is measured from: another file, or the same one in another mode. */
  readonly against?: EvaluatedModel;
  /** Only every n-th window. */
  readonly shard?: Shard;
  /** Windows that are known already. */
  readonly done?: ReadonlySet<number>;
  readonly signal?: AbortSignal;
}

const CHECKS: ChecksOf<EvaluateOptions> = {
  against: anything,
  shard: anything,
  done: anything,
  signal: abortSignal,
};

/**
 * Scores the windows of `plan`, one after another. Of logits, only some rows of each model are in memory at a time.
 *
 * @throws EvaluationError when vocabularies differ; LogitsError when logits are not finite; the signal's reason
 */
export async function* evaluate(
  model: EvaluatedModel,
  plan: EvalPlan,
  options: EvaluateOptions = {},
): AsyncGenerator<WindowScores, void> {
  checkOptions("evaluate", CHECKS, options);
  const { against, shard = WHOLE, done, signal } = options;
  if (against !== undefined && against.config.vocabSize !== model.config.vocabSize) {
    const found = `${against.config.vocabSize} and ${model.config.vocabSize} tokens`;
    throw new EvaluationError({
      subject: "against",
      expected: "a model of the same vocabulary",
      found,
      remedy: "Choose another base.",
    });
  }
  for (const window of windowsOf(plan.windows, shard)) {
    if (!done?.has(window)) yield await scoreWindow(model, plan, window, against, signal);
  }
}

async function scoreWindow(
  model: EvaluatedModel,
  plan: EvalPlan,
  window: number,
  against: EvaluatedModel | undefined,
  signal: AbortSignal | undefined,
): Promise<WindowScores> {
  const targets = targetsOf(plan, window);
  const scores = { nll: [] as number[], baseNll: [] as number[], kl: [] as number[], sameTop: [] as number[] };
  const baseRows = against && rowsOf(against, plan, window, signal);
  const finite = (value: number, whose: string): number => {
    if (Number.isFinite(value)) return rounded(value);
    const position = firstScored(plan.window) + scores.nll.length;
    throw new LogitsError({
      subject: whose,
      expected: "finite logits",
      found: `a token of probability 0 or NaN in window ${window}, position ${position}`,
      remedy: "Some of the model's weights are too large: take another copy. `lfm2 trace` shows where they overflow.",
    });
  };
  try {
    for await (const row of rowsOf(model, plan, window, signal)) {
      const target = targets[scores.nll.length];
      if (baseRows === undefined) {
        scores.nll.push(finite(logSumExp(row) - row[target], "model"));
        continue;
      }
      const base = (await baseRows.next()).value as Float32Array;
      const { kl, logSumA, logSumB, topA, topB } = softmaxGap(base, row);
      scores.baseNll.push(finite(logSumA - base[target], "against"));
      scores.kl.push(finite(kl, "KL divergence"));
      scores.sameTop.push(topA === topB ? 1 : 0);
      scores.nll.push(finite(logSumB - row[target], "model"));
    }
  } finally {
    await baseRows?.return();
  }
  const { nll, baseNll, kl, sameTop } = scores;
  if (nll.length !== scoredPositions(plan.window)) {
    throw new LogitsError({
      subject: "model",
      expected: `${scoredPositions(plan.window)} rows of logits`,
      found: nll.length,
    });
  }
  return { window, nll, ...(against && { base: { nll: baseNll, kl, sameTop } }) };
}

/** Logits of the scored positions, one by one. The model runs ahead by 32 MB at most, so memory has a bound. */
async function* rowsOf(
  model: EvaluatedModel,
  plan: EvalPlan,
  window: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Float32Array, void> {
  const options = { points: ["lm_head"], positions: { from: firstScored(plan.window) }, signal };
  const cols = model.config.vocabSize;
  for await (const { data } of model.trace(windowIds(plan, window), options)) {
    for (let at = 0; at < data.length; at += cols) yield data.subarray(at, at + cols) as Float32Array;
  }
}

/** Nine significant digits, as many as a float32 has: a result file then holds the very numbers, and stays small. */
function rounded(value: number): number {
  return Number(value.toPrecision(9));
}
