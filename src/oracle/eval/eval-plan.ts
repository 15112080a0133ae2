// A text cut into windows, and which of their tokens are scored: the definitions of llama-perplexity.
import { Lfm2Error } from "../../lfm2-error.ts";

/** How a text is run and scored. */
export interface EvalPlan {
  /** The whole text. */
  readonly ids: readonly number[];
  /** Tokens of a window. */
  readonly window: number;
  /** How many windows, of the text or fewer. */
  readonly windows: number;
  /** What stands in place of a window's first token; undefined for a model whose texts do not begin with BOS. */
  readonly bosId: number | undefined;
}

export interface PlanOptions {
  /** Tokens of a window; 512 by default. */
  readonly window?: number;
  /** Only so many from the beginning. */
  readonly windows?: number;
}

/** Every n-th window, from the i-th on: 1 ≤ i ≤ n. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Texts to ids, as far as an evaluation needs it: a model's tokenizer. */
export interface TextEncoding {
  encode(
    text: string,
    options?: { readonly addBos?: boolean; readonly parseSpecial?: boolean },
  ): number[] | Promise<number[]>;
  readonly bosId: number | undefined;
  readonly addsBos: boolean;
}

/** A text, window or result that cannot be evaluated. */
export class EvaluationError extends Lfm2Error {
  override readonly name = "EvaluationError";
}

export const WHOLE: Shard = { index: 1, count: 1 };
export const DEFAULT_WINDOW = 512;
/** Below, an error of the mean says nothing: three tokens of such a window are scored. */
export const MIN_WINDOW = 8;

/**
 * Encodes `text`, with BOS where the tokenizer's files say so and markers such as `<|im_end|>` as plain text, and cuts it
 * into windows that follow one another without overlap; what is left at the end is not used.
 *
 * @throws EvaluationError when the text is shorter than a window (llama-perplexity wants two)
 * @source llama.cpp, tools/perplexity/perplexity.cpp, perplexity()
 */
export async function planEval(tokenizer: TextEncoding, text: string, options: PlanOptions = {}): Promise<EvalPlan> {
  const { window = DEFAULT_WINDOW, windows = Number.MAX_SAFE_INTEGER } = options;
  if (!Number.isInteger(window) || window < MIN_WINDOW) {
    throw new EvaluationError({ subject: "window", expected: `an integer of at least ${MIN_WINDOW}`, found: window });
  }
  if (!Number.isInteger(windows) || windows < 1) {
    throw new EvaluationError({ subject: "windows", expected: "an integer of at least 1", found: windows });
  }
  const { addsBos, bosId } = tokenizer;
  const ids = await tokenizer.encode(text, { addBos: addsBos, parseSpecial: false });
  if (ids.length < window) {
    const advice = "Name a longer text, or shorten the window.";
    throw new EvaluationError({
      subject: "text",
      expected: `at least ${window} tokens, one window`,
      found: ids.length,
      remedy: advice,
    });
  }
  const most = Math.floor(ids.length / window);
  return { ids, window, windows: Math.min(windows, most), bosId: addsBos ? bosId : undefined };
}

/** The ids that window `index` runs: the last one is only predicted. [window − 1] */
export function windowIds({ ids, window, bosId }: EvalPlan, index: number): number[] {
  const piece = ids.slice(index * window, (index + 1) * window - 1);
  if (bosId !== undefined) piece[0] = bosId;
  return piece;
}

/**
 * The first position of a window whose prediction is scored: the second half, so that there is something to predict from.
 * The last is window − 2, which predicts the window's last token.
 */
export function firstScored(window: number): number {
  return Math.floor(window / 2);
}

export function scoredPositions(window: number): number {
  return window - 1 - firstScored(window);
}

/** The tokens that the scored positions should predict. [scoredPositions] */
export function targetsOf({ ids, window }: EvalPlan, index: number): number[] {
  return ids.slice(index * window + firstScored(window) + 1, (index + 1) * window);
}

/** The windows of a shard, ascending. Shards take turns, so that each sees the whole text. */
export function windowsOf(windows: number, { index, count }: Shard): number[] {
  if (!Number.isInteger(index) || !Number.isInteger(count) || index < 1 || index > count) {
    throw new EvaluationError({ subject: "shard", expected: "i/n with 1 ≤ i ≤ n", found: `${index}/${count}` });
  }
  const own: number[] = [];
  for (let window = index - 1; window < windows; window += count) own.push(window);
  return own;
}
