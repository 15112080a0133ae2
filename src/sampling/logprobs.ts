// How likely an id was to the model itself: the logarithm of the softmax of its logits.
import { exp, log } from "../float.ts";

export interface Logprob {
  readonly id: number;
  /** ln of the probability, ≤ 0. */
  readonly logprob: number;
}

export interface Logprobs extends Logprob {
  /** The most likely ids, from the likeliest down, equal ones by id. */
  readonly top: readonly Logprob[];
}

/** As many as OpenAI's API gives. */
export const MAX_TOP_LOGPROBS = 20;

/**
 * The model's own log-probabilities, before bias, penalties, temperature, masks and all else that sampling does: what
 * vLLM and llama.cpp's server give under this name.
 *
 * @param logits  f32[vocabSize], finite
 * @param id      the id that was taken
 * @param top     how many of the most likely ids to report, at most MAX_TOP_LOGPROBS
 */
export function logprobsOf(logits: Float32Array, id: number, top: number): Logprobs {
  let highest = logits[0];
  for (const logit of logits) if (logit > highest) highest = logit;
  let total = 0;
  for (const logit of logits) total += exp(logit - highest);
  const logTotal = log(total);
  const logprob = (id: number): number => logits[id] - highest - logTotal;
  return { id, logprob: logprob(id), top: highestIds(logits, top).map((id) => ({ id, logprob: logprob(id) })) };
}

/** By insertion: nearly every logit is below the lowest of the few. */
function highestIds(logits: Float32Array, count: number): number[] {
  const ids: number[] = [];
  if (count === 0) return ids;
  for (let id = 0; id < logits.length; id++) {
    if (ids.length === count && !(logits[id] > logits[ids[count - 1]])) continue;
    let place = ids.length;
    while (place > 0 && logits[id] > logits[ids[place - 1]]) place--;
    ids.splice(place, 0, id);
    if (ids.length > count) ids.pop();
  }
  return ids;
}
