// Which ids may be drawn and how much each weighs: bias, penalties, temperature, top_k, top_p, min_p, in either order.
import { exp, log } from "../float.ts";
import { checkMask, isAllowed } from "./mask.ts";
import { SamplingError, type SamplingOptions } from "./options.ts";
import { createPenalties } from "./penalty.ts";
import { createCut } from "./threshold.ts";

/** The first `count` entries are the candidates, by ascending id; the rest is left over from earlier steps. */
export interface Candidates {
  readonly ids: Int32Array;
  /** Proportional to the probabilities; the most likely candidate weighs 1. */
  readonly weights: Float64Array;
  count: number;
  /** The sum of the weights. */
  total: number;
}

// e⁻⁵⁰ ≈ 2·10⁻²²: 128,000 such weights together are below one step (2⁻⁵³) of the draw. Leaving them out spares most exps.
const NEGLIGIBLE = -50;

/**
 * Weighs the ids of one step. Everything that grows with the vocabulary is allocated here, once.
 *
 * Scores are float32 through temperature, as in Hugging Face and llama.cpp, so that ties are ties there too; weights are
 * float64.
 *
 * @param settings      checked by validateSampling
 * @param promptLength  ids at the beginning of the sequence that were not sampled
 * @returns         a function of `logits` f32[vocabSize] (left as they are), the sequence so far and the ids that may
 *                  come (all by default); its result lives until the next call
 * @throws SamplingError when a bias is for an id outside the vocabulary
 * @source Hugging Face transformers 5.18.0, generation/logits_process.py: SequenceBiasLogitsProcessor,
 *         RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper, MinPLogitsWarper;
 *         llama.cpp v0.5.0, src/llama-sampler.cpp, and the default chain in common/sampling.cpp
 */
export function createCandidates(
  vocabSize: number,
  settings: SamplingOptions,
  promptLength = 0,
): (logits: Float32Array, history: ArrayLike<number>, allowed?: Uint32Array) => Candidates {
  const { temperature, topK, topP, minP, order } = settings;
  const scores = new Float32Array(vocabSize);
  const found: Candidates = {
    ids: new Int32Array(vocabSize),
    weights: new Float64Array(vocabSize),
    count: 0,
    total: 0,
  };
  const biases = biasesOf(settings, vocabSize);
  const penalize = createPenalties(vocabSize, settings, promptLength);
  const cut = createCut();
  const divisor = temperature === 0 ? 1 : Math.fround(temperature);
  const isLlama = order === "llama.cpp";
  const [divisorBefore, divisorAfter] = isLlama ? [1, divisor] : [divisor, 1];
  // The exps of scores this far below the highest are spared: min_p would drop them. A thousandth more for rounding.
  const lowest = minP > 0 && topP === 1 ? log(minP) - 1e-3 : NEGLIGIBLE * Math.max(1, divisorAfter);

  return (logits, history, allowed) => {
    if (logits.length !== vocabSize) {
      throw new SamplingError({ subject: "logits", expected: `${vocabSize} (the vocabulary)`, found: logits.length });
    }
    if (allowed !== undefined) checkMask(allowed, vocabSize);
    scores.set(logits);
    for (const [id, bias] of biases) scores[id] += bias;
    penalize?.(scores, history);
    const best = scale(scores, divisorBefore, logits, allowed);
    if (temperature === 0) return only(found, best);

    const { ids, weights } = found;
    const highest = scores[best];
    let count = 0;
    if (topK > 0 && topK < vocabSize) {
      for (let id = 0; id < vocabSize; id++) ids[id] = id;
      const { score: kth, above } = cut(scores, ids, vocabSize, undefined, topK);
      let ties = isLlama ? topK - above : vocabSize;
      for (let id = 0; id < vocabSize; id++) {
        if (scores[id] < kth || scores[id] - highest <= lowest) continue;
        if (scores[id] > kth || ties-- > 0) ids[count++] = id;
      }
    } else {
      for (let id = 0; id < vocabSize; id++) if (scores[id] - highest > lowest) ids[count++] = id;
    }
    let total = 0;
    for (let i = 0; i < count; i++) {
      weights[i] = exp(scores[ids[i]] - highest);
      total += weights[i];
    }
    found.count = count;
    found.total = total;
    if (topP < 1) {
      const { score, above } = cut(scores, ids, count, weights, topP * total);
      keepTopP(found, scores, score, above, topP * total);
    }
    if (minP > 0) keepMinP(found, minP);
    if (divisorAfter !== 1) temper(found, scores, highest, divisorAfter);
    return found;
  };
}

function biasesOf({ logitBias }: SamplingOptions, vocabSize: number): [number, number][] {
  return Object.entries(logitBias).map(([id, bias]) => {
    if (Number(id) < vocabSize) return [Number(id), bias];
    throw new SamplingError({ subject: "logitBias", expected: `token ids from 0 to ${vocabSize - 1}`, found: id });
  });
}

/** Divides by the temperature in place; what is not allowed becomes −∞. Returns the lowest id of the highest score. */
function scale(scores: Float32Array, temperature: number, logits: Float32Array, allowed?: Uint32Array): number {
  let best = -1;
  for (let id = 0; id < scores.length; id++) {
    // + 0 turns −0 into 0, which it must tie with.
    const score = Math.fround(scores[id] / temperature) + 0;
    if (score - score !== 0) {
      throw new SamplingError({
        subject: `logits[${id}]`,
        expected: "a finite number",
        found: `${logits[id]} (${score} after penalty and temperature)`,
        remedy: "The forward pass overflowed, or the weights are damaged.",
      });
    }
    if (allowed !== undefined && !isAllowed(allowed, id)) {
      scores[id] = Number.NEGATIVE_INFINITY;
      continue;
    }
    scores[id] = score;
    if (best < 0 || score > scores[best]) best = id;
  }
  if (best < 0) {
    throw new SamplingError({ subject: "allowed", expected: "at least one id that may come next", found: "none" });
  }
  return best;
}

function only(found: Candidates, id: number): Candidates {
  found.ids[0] = id;
  found.weights[0] = 1;
  found.count = 1;
  found.total = 1;
  return found;
}

/** Keeps an id when those before it, from the most likely down and equal ones by id, weigh less than `target`. */
function keepTopP(found: Candidates, scores: Float32Array, cutScore: number, above: number, target: number): void {
  const { ids, weights } = found;
  let before = above;
  let count = 0;
  let total = 0;
  for (let i = 0; i < found.count; i++) {
    const score = scores[ids[i]];
    if (score < cutScore) continue;
    if (score === cutScore) {
      if (before >= target) continue;
      before += weights[i];
    }
    ids[count] = ids[i];
    weights[count] = weights[i];
    total += weights[count++];
  }
  found.count = count;
  found.total = total;
}

/** The most likely candidate weighs 1, so a weight is its likelihood relative to it. */
function keepMinP(found: Candidates, minP: number): void {
  const { ids, weights } = found;
  let count = 0;
  let total = 0;
  for (let i = 0; i < found.count; i++) {
    if (weights[i] < minP) continue;
    ids[count] = ids[i];
    weights[count] = weights[i];
    total += weights[count++];
  }
  found.count = count;
  found.total = total;
}

/** Weighs the candidates again, now with the temperature: they were chosen without one. */
function temper(found: Candidates, scores: Float32Array, highest: number, temperature: number): void {
  const { ids, weights, count } = found;
  const top = Math.fround(highest / temperature);
  if (top - top !== 0) {
    throw new SamplingError({
      subject: "logits",
      expected: "finite numbers after temperature",
      found: top,
      remedy: "Raise the temperature.",
    });
  }
  found.total = 0;
  for (let i = 0; i < count; i++) {
    weights[i] = exp(Math.fround(scores[ids[i]] / temperature) - top);
    found.total += weights[i];
  }
}
