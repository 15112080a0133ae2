// How far apart two rows of logits lie as distributions of the next token, in float64.
import { exp, log } from "../../float.ts";

export interface SoftmaxGap {
  /** KL(a ‖ b) = Σ p · (log p − log q) in nats, p and q the softmax of `a` and of `b`; ∞ where a logit is NaN. */
  readonly kl: number;
  /** log Σ eˣ of each row: a token's log-probability is its logit less this. */
  readonly logSumA: number;
  readonly logSumB: number;
  /** The id of each row's highest logit; of equal ones the lowest. */
  readonly topA: number;
  readonly topB: number;
}

export function softmaxGap(a: Float32Array, b: Float32Array): SoftmaxGap {
  const [topA, topB] = [topOf(a), topOf(b)];
  const [highA, highB] = [a[topA], b[topB]];
  let [sumA, sumB, weighted] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] - highA, b[i] - highB];
    const p = exp(x);
    sumA += p;
    sumB += exp(y);
    if (p > 0) weighted += p * (x - y);
  }
  const [logA, logB] = [log(sumA), log(sumB)];
  const kl = weighted / sumA - logA + logB;
  return {
    kl: Number.isNaN(kl) ? Number.POSITIVE_INFINITY : Math.max(0, kl),
    logSumA: highA + logA,
    logSumB: highB + logB,
    topA,
    topB,
  };
}

/** log Σ eˣ; the bits that softmaxGap gives. */
export function logSumExp(row: Float32Array): number {
  const high = row[topOf(row)];
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += exp(row[i] - high);
  return high + log(sum);
}

function topOf(row: Float32Array): number {
  let top = 0;
  // The negation passes over a NaN in the first place.
  for (let i = 1; i < row.length; i++) if (row[i] > row[top] || Number.isNaN(row[top])) top = i;
  return top;
}
