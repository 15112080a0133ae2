// The quality figures of a model over a text, with their errors: perplexity, KL divergence, agreement.
import { exp } from "../../float.ts";
import type { BaseScores, WindowScores } from "./evaluate.ts";

/** A figure, its standard error, and the interval that holds the true one in 95 of 100 texts of this kind. */
export interface Estimate {
  readonly value: number;
  readonly error: number;
  readonly low: number;
  readonly high: number;
}

export interface Quality {
  /** Scored. */
  readonly positions: number;
  /** exp of the mean −log p. */
  readonly perplexity: Estimate;
  readonly base?: QualityAgainstBase;
}

export interface QualityAgainstBase {
  readonly perplexity: Estimate;
  /** Perplexity / the base's. Both see the same tokens, so the error is far below that of either. */
  readonly perplexityRatio: Estimate;
  /** KL(base ‖ model), in nats. */
  readonly kl: {
    readonly mean: Estimate;
    readonly median: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Share of positions at which both have the same likeliest token. */
  readonly sameTop: Estimate;
  /** Root of the mean squared change of the probability of the text's token. */
  readonly rmsDeltaP: Estimate;
}

/** Two-sided 95 % of a normal distribution. */
const Z = 1.959963984540054;

/**
 * Figures of any windows of one text, in whatever order they come.
 *
 * Errors take positions for independent of each other, as llama-perplexity's do. They are the same figures, from float64
 * sums where it keeps float32 logits and 16-bit log-probabilities of the base.
 *
 * @throws RangeError without windows
 * @source llama.cpp, tools/perplexity/perplexity.cpp, perplexity() and kl_divergence()
 */
export function qualityOf(windows: readonly WindowScores[]): Quality {
  if (windows.length === 0) throw new RangeError("windows: expected at least one, found none.");
  // One order of additions, so that shards give the bits of the whole.
  const sorted = [...windows].sort((a, b) => a.window - b.window);
  const nll = sorted.flatMap((scores) => scores.nll);
  const bases = sorted.flatMap(({ base }) => base ?? []);
  const isCompared = bases.length === sorted.length;
  return {
    positions: nll.length,
    perplexity: exponential(mean(nll)),
    ...(isCompared && { base: against(nll, bases) }),
  };
}

/** Mean −log p and mean KL divergence of some windows: what a running estimate needs, without sorting. */
export function runningMeans(windows: readonly WindowScores[]): { readonly perplexity: number; readonly kl?: number } {
  const kl = windows.flatMap(({ base }) => base?.kl ?? []);
  const perplexity = exp(average(windows.flatMap(({ nll }) => nll)));
  return kl.length === 0 ? { perplexity } : { perplexity, kl: average(kl) };
}

function against(nll: readonly number[], bases: readonly BaseScores[]): QualityAgainstBase {
  const baseNll = bases.flatMap((base) => base.nll);
  const sameTop = bases.flatMap((base) => base.sameTop);
  const kl = Float64Array.from(bases.flatMap((base) => base.kl)).sort();
  const [share, squared] = [
    average(sameTop),
    mean(nll.map((value, i) => (exp(-value) - exp(-baseNll[i])) * (exp(-value) - exp(-baseNll[i])))),
  ];
  const rms = Math.sqrt(squared.value);
  return {
    perplexity: exponential(mean(baseNll)),
    // The variance of a difference: both variances less twice the covariance.
    perplexityRatio: exponential(mean(nll.map((value, i) => value - baseNll[i]))),
    kl: {
      mean: within(mean(bases.flatMap((base) => base.kl)), 0, Number.POSITIVE_INFINITY),
      median: quantile(kl, 0.5),
      p90: quantile(kl, 0.9),
      p99: quantile(kl, 0.99),
      max: kl[kl.length - 1],
    },
    sameTop: within({ value: share, error: Math.sqrt((share * (1 - share)) / (sameTop.length - 1)) }, 0, 1),
    // d√x = dx / (2 √x)
    rmsDeltaP: within({ value: rms, error: rms === 0 ? 0 : (0.5 / rms) * squared.error }, 0, 1),
  };
}

interface Measured {
  readonly value: number;
  readonly error: number;
}

/** The mean, and its standard error: √(variance / (n − 1)), the variance being that of the n values themselves. */
function mean(values: readonly number[]): Measured {
  const value = average(values);
  let squares = 0;
  for (const one of values) squares += (one - value) * (one - value);
  return { value, error: Math.sqrt(squares / values.length / (values.length - 1)) };
}

function average(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** exp of a mean. Its error by the derivative; its interval is that of the mean, so it has no value below 0. */
function exponential({ value, error }: Measured): Estimate {
  const power = exp(value);
  return { value: power, error: power * error, low: exp(value - Z * error), high: exp(value + Z * error) };
}

function within({ value, error }: Measured, least: number, most: number): Estimate {
  return { value, error, low: Math.max(least, value - Z * error), high: Math.min(most, value + Z * error) };
}

/** Of sorted values, between neighbours where it falls between them. */
function quantile(sorted: Float64Array, fraction: number): number {
  const at = fraction * (sorted.length - 1);
  const below = Math.floor(at);
  const share = at - below;
  return (1 - share) * sorted[below] + share * sorted[Math.min(below + 1, sorted.length - 1)];
}
