// The penalties: ids that already occurred become less likely, once (repetition, presence) or each time (frequency).
import { SamplingError, type SamplingOptions } from "./options.ts";

/** llama.cpp's penalty_last_n. */
const LLAMA_WINDOW = 64;

/**
 * Applies the penalties to the scores of all distinct ids of a sequence.
 *
 * @param promptLength  ids at the beginning of the sequence that were not sampled
 * @returns  a function over `scores` f32[vocabSize], changed in place, and the sequence so far, prompt included;
 *           undefined when every penalty is off
 * @source repetition: Hugging Face transformers, RepetitionPenaltyLogitsProcessor; Keskar et al. 2019, arXiv 1909.05858,
 *         section 4.1. Frequency and presence: OpenAI's API reference, as vLLM applies them. All three over a window:
 *         llama.cpp, llama_sampler_penalties_apply
 */
export function createPenalties(
  vocabSize: number,
  { repetitionPenalty, frequencyPenalty, presencePenalty, order }: SamplingOptions,
  promptLength: number,
): ((scores: Float32Array, history: ArrayLike<number>) => void) | undefined {
  const counts = frequencyPenalty !== 0 || presencePenalty !== 0;
  if (repetitionPenalty === 1 && !counts) return undefined;
  const factor = Math.fround(repetitionPenalty);
  // seenIn[id] holds the number of the last call that met the id, so the table is never cleared.
  const seenIn = new Uint32Array(vocabSize);
  let call = 0;
  const occurrences = new Uint32Array(counts ? vocabSize : 0);

  return (scores, history) => {
    const begin = order === "llama.cpp" ? Math.max(0, history.length - LLAMA_WINDOW) : 0;
    if (++call === 0xffffffff) {
      seenIn.fill(0);
      call = 1;
    }
    for (let i = begin; i < history.length; i++) {
      const id = history[i];
      if (!(id >= 0 && id < vocabSize)) {
        throw new SamplingError({
          subject: `history[${i}]`,
          expected: `a token id from 0 to ${vocabSize - 1}`,
          found: id,
        });
      }
      if (seenIn[id] === call) continue;
      seenIn[id] = call;
      const score = scores[id];
      scores[id] = score < 0 ? score * factor : score / factor;
    }
    if (!counts) return;
    const counted = order === "llama.cpp" ? begin : promptLength;
    for (let i = counted; i < history.length; i++) occurrences[history[i]]++;
    for (let i = counted; i < history.length; i++) {
      const id = history[i];
      if (occurrences[id] === 0) continue;
      scores[id] -= occurrences[id] * frequencyPenalty + presencePenalty;
      occurrences[id] = 0;
    }
  };
}
