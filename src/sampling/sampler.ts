// Logits in, one id out: a draw among the candidates that repeats with its seed.
import { createCandidates } from "./candidates.ts";
import { type SamplingOptions, validateSampling } from "./options.ts";
import { createRandom, freshSeed, type Seed } from "./random.ts";

export interface Sampler {
  /** The settings in force, the seed included. */
  readonly settings: SamplingOptions & { readonly seed: Seed };
  /**
   * Draws the next id; uses up one random number unless the temperature is 0.
   *
   * @param logits   f32[vocabSize], finite; left as they are
   * @param history  all ids so far, prompt included; only the penalties look at them
   * @param allowed  u32[⌈vocabSize / 32⌉], bit (id & 31) of word id >>> 5 set: the id may come. The others weigh nothing,
   *                 as if they were not there. By default all
   * @throws SamplingError when a logit is NaN or infinite, an id is outside the vocabulary, or no id is allowed
   */
  next(logits: Float32Array, history: ArrayLike<number>, allowed?: Uint32Array): number;
  /** Uses up what `next` would to draw an id that is the only one allowed, so that all later draws are the same. */
  skip(): void;
}

/**
 * A sampler for one sequence. Equal settings, logits and histories give equal ids, on every engine.
 *
 * @param promptLength  ids at the beginning of every history that were not sampled
 * @throws SamplingError when a setting is out of range
 */
export function createSampler(vocabSize: number, options: Partial<SamplingOptions>, promptLength = 0): Sampler {
  const checked = validateSampling(options);
  const settings = { ...checked, seed: checked.seed ?? freshSeed() };
  const candidates = createCandidates(vocabSize, settings, promptLength);
  const random = createRandom(settings.seed);
  return {
    settings,
    next(logits, history, allowed) {
      const { ids, weights, count, total } = candidates(logits, history, allowed);
      if (count === 1 && settings.temperature === 0) return ids[0];
      let left = random() * total;
      for (let i = 0; i < count - 1; i++) {
        left -= weights[i];
        if (left < 0) return ids[i];
      }
      return ids[count - 1];
    },
    skip() {
      if (settings.temperature !== 0) random();
    },
  };
}

/**
 * The distribution that a sampler with these settings draws from: f64[vocabSize], summing to 1.
 *
 * @throws SamplingError as createSampler and Sampler.next do
 */
export function probabilities(
  logits: Float32Array,
  history: ArrayLike<number>,
  options: Partial<SamplingOptions>,
  allowed?: Uint32Array,
  promptLength = 0,
): Float64Array {
  const weigh = createCandidates(logits.length, validateSampling(options), promptLength);
  const { ids, weights, count, total } = weigh(logits, history, allowed);
  const result = new Float64Array(logits.length);
  for (let i = 0; i < count; i++) result[ids[i]] = weights[i] / total;
  return result;
}
