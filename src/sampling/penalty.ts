// The repetition penalty: ids that already occurred become less likely, once, however often they occurred.
import { SamplingError } from "./options.ts";

/**
 * Applies a penalty to the scores of all distinct ids of a sequence.
 *
 * @returns a function over `scores` f32[vocabSize], changed in place, and the sequence so far, prompt included
 * @source Hugging Face transformers, RepetitionPenaltyLogitsProcessor; Keskar et al. 2019, arXiv 1909.05858, section 4.1
 */
export function createPenalty(
  vocabSize: number,
  penalty: number,
): (scores: Float32Array, history: ArrayLike<number>) => void {
  const factor = Math.fround(penalty);
  // seenIn[id] holds the number of the last call that met the id, so the table is never cleared.
  const seenIn = new Uint32Array(vocabSize);
  let call = 0;
  return (scores, history) => {
    if (++call === 0xffffffff) {
      seenIn.fill(0);
      call = 1;
    }
    for (let i = 0; i < history.length; i++) {
      const id = history[i];
      if (!(id >= 0 && id < vocabSize)) {
        throw new SamplingError(`history[${i}]: expected a token id from 0 to ${vocabSize - 1}, found ${id}.`);
      }
      if (seenIn[id] === call) continue;
      seenIn[id] = call;
      const score = scores[id];
      scores[id] = score < 0 ? score * factor : score / factor;
    }
  };
}
